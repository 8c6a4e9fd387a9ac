# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is expected of each thing that can go wrong with the service. No bpy.

Written by hand, before the campaign `faults` was first run, from the service's documentation and the submission
protocol: the state in which the task comes to rest, how many create requests are sent, how many tasks the service has
afterwards, and what the user reads. Two expectations were corrected after that run: that an answer without an id is
UNCERTAIN (its header names the id), and that nothing is said of a status call without a status. A third was corrected
when files began to be looked at before an import: a GLB knows its own length, so that a wrong one is said. The rows
about image URLs and damaged pictures were added with the code that looks at these, and before they were first run;
so were those about an answer whose header alone names the task, the 503 of a gateway, and downloads that drip.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

RUNNING: Final = "RUNNING"
"""The task goes on at the service and is asked about: PENDING or PROCESSING."""

CHARGED: Final = "the service may have started a paid task"
TELLS_WHERE: Final = "tokenlab.sh/dashboard/runs"
GOES_ON: Final = "The task goes on at the service"
NOT_CHARGED: Final = "Nothing was charged"
FREE: Final = "You are not charged"
NOT_SENT: Final = "Nothing was sent or charged"
DOUBTFUL: Final = "Sent with an image URL that may not work"
SAFE: Final = "It is safe at the service, and nothing is charged again"


@dataclass(frozen=True, slots=True)
class Expected:
    """One variant. `name` is a fault of the simulator unless the campaign knows a situation of that name."""

    name: str
    state: str
    creates: int = 1
    """Create requests that reach the service."""
    tasks: int = 1
    """Tasks that the service has, and may charge for."""
    sentence: tuple[str, ...] = ()
    """What the user reads, in parts; nothing is to be read when empty."""


EXPECTATIONS: Final = (
    # A create that is refused by a complete answer: nothing was accepted.
    Expected("create-401", "FAILED", 1, 0, ("does not accept the API key", NOT_CHARGED, "key in the preferences")),
    Expected("create-402", "FAILED", 1, 0, ("balance of $", NOT_CHARGED, "Top up at tokenlab.sh/dashboard/billing")),
    Expected("create-402-quota", "FAILED", 1, 0, ("spending limit of this API key", NOT_CHARGED, "Raise the limit")),
    Expected("create-403", "FAILED", 1, 0, ("API key may not", NOT_CHARGED, "choose another model")),
    Expected("create-413", "FAILED", 1, 0, ("larger than the service takes", NOT_CHARGED, "Make it smaller")),
    Expected("create-307", "FAILED", 1, 0, ("points somewhere else", NOT_CHARGED, "Check the service address")),
    Expected("create-307-foreign", "FAILED", 1, 0, ("points somewhere else", NOT_CHARGED, "Check the service address")),
    # A create that the service's own words put off: sent again, and given up after eight tries.
    Expected("create-429", "READY", 3, 1),
    Expected("create-429-header-only", "READY", 3, 1),
    Expected("create-429-body-only", "READY", 3, 1),
    Expected("create-429-http-date", "READY", 3, 1),
    Expected("create-503", "FAILED", 8, 0, ("could not be sent after several tries", NOT_CHARGED)),
    # A create whose fate nobody knows: never sent again by itself.
    Expected("create-500", "UNCERTAIN", 1, 0, (CHARGED, TELLS_WHERE)),
    Expected("create-502-html", "UNCERTAIN", 1, 0, (CHARGED, TELLS_WHERE)),
    Expected("create-503-gateway", "UNCERTAIN", 1, 0, (CHARGED, TELLS_WHERE)),
    Expected("create-503-html", "UNCERTAIN", 1, 0, (CHARGED, TELLS_WHERE)),
    Expected("create-never-answers", "UNCERTAIN", 1, 1, (CHARGED, TELLS_WHERE)),
    Expected("create-reset-after-body", "UNCERTAIN", 1, 1, (CHARGED, TELLS_WHERE)),
    Expected("create-reset-before-body-read", "UNCERTAIN", 1, 0, (CHARGED, TELLS_WHERE)),
    Expected("create-500-after-task", "UNCERTAIN", 1, 1, (CHARGED, TELLS_WHERE)),
    Expected("create-504-after-task", "UNCERTAIN", 1, 1, (CHARGED, TELLS_WHERE)),
    Expected("create-unreadable-200", "UNCERTAIN", 1, 1, (CHARGED, TELLS_WHERE)),
    Expected("create-reset-in-body", "UNCERTAIN", 1, 1, (CHARGED, TELLS_WHERE)),
    Expected("create-drips", "UNCERTAIN", 1, 1, (CHARGED, TELLS_WHERE)),
    Expected("create-gzip-bomb", "UNCERTAIN", 1, 1, (CHARGED, TELLS_WHERE)),
    Expected("never-answers", "UNCERTAIN", 1, 0, (CHARGED, TELLS_WHERE)),
    # Answers that are unusual and right.
    Expected("create-completed", "READY"),
    # The body names no id; the header X-Task-ID does.
    Expected("create-200-without-id", "READY"),
    Expected("create-empty-200", "READY"),
    Expected("create-reset-after-naming", "READY"),
    Expected("create-200-without-status", "READY"),
    Expected("slow-answers", "READY"),
    Expected("no-task-id", "READY"),
    Expected("no-poll-url", "READY"),
    Expected("absolute-poll-url", "READY"),
    Expected("foreign-poll-url", "READY"),
    Expected("colon-id", "READY"),
    Expected("extra-fields", "READY"),
    # How a picture is written: one more try, and only after a clear refusal.
    Expected("image-not-data-url", "READY", 2, 1),
    Expected("image-not-base64", "READY", 1, 1),
    # The catalogue does not answer: the task goes on without it.
    Expected("models-500", "READY"),
    Expected("models-502-html", "READY"),
    Expected("models-never-answers", "READY"),
    Expected("models-unreadable", "READY"),
    Expected("models-empty", "READY"),
    Expected("lemondata-naming", "READY"),
    # Status calls that say nothing: asked again, never a failure.
    Expected("poll-500-once", "READY"),
    Expected("poll-429", "READY"),
    Expected("poll-500", RUNNING, sentence=(GOES_ON, "asked again by itself")),
    Expected("poll-502-html", RUNNING, sentence=(GOES_ON, "asked again by itself")),
    Expected("poll-never-answers", RUNNING, sentence=(GOES_ON, "asked again by itself")),
    Expected("poll-unreadable", RUNNING, sentence=(GOES_ON, "asked again by itself")),
    Expected("poll-reset-in-body", RUNNING, sentence=(GOES_ON, "asked again by itself")),
    Expected("poll-truncated", RUNNING, sentence=(GOES_ON, "asked again by itself")),
    Expected("poll-drips", RUNNING, sentence=(GOES_ON, "asked again by itself")),
    Expected("poll-gzip-bomb", RUNNING, sentence=(GOES_ON, "asked again by itself")),
    Expected("poll-missing-status", RUNNING, sentence=(GOES_ON, "asked again by itself")),
    Expected("never-completes", RUNNING),
    Expected("record-expires", "LOST", sentence=("no longer knows this task", TELLS_WHERE, "nothing is sent again")),
    Expected("key-revoked", "STOPPED", sentence=("does not accept the API key", GOES_ON, "key in the preferences")),
    # What statuses are called.
    Expected("status-succeeded", "READY"),
    Expected("status-upper-case", "READY"),
    Expected("status-unknown-word", "READY"),
    Expected("no-progress", "READY"),
    Expected("progress-jumps", "READY"),
    Expected("task-fails", "FAILED", sentence=("could not make this model", FREE)),
    Expected("task-fails-string", "FAILED", sentence=("could not make this model", FREE)),
    Expected("status-canceled", "FAILED", sentence=("could not make this model", FREE)),
    Expected("status-expired", "FAILED", sentence=("could not make this model", FREE)),
    Expected("status-timeout", "FAILED", sentence=("could not make this model", FREE)),
    # What a completed task names.
    Expected("completed-without-url", "STOPPED", sentence=("complete, but gave no address", "Resume it later")),
    Expected("only-model-url", "READY"),
    Expected("only-glb-url", "READY"),
    Expected("wrong-format", "READY", sentence=("delivered GLB instead of FBX",)),
    Expected("late-billing", "READY"),
    Expected("never-billing", "READY"),
    # Downloads: the model is paid for, so nothing of this is a failure of the task.
    Expected("asset-403-once", "READY"),
    Expected("asset-redirect", "READY"),
    Expected("asset-wrong-content-type", "READY"),
    Expected("asset-slow", "READY"),
    Expected("asset-truncated:1", "READY"),
    Expected("asset-reset-at-half:1", "READY"),
    Expected("asset-400", "DOWNLOADING", sentence=("could not be fetched", SAFE, "Try again")),
    Expected("asset-403", "DOWNLOADING", sentence=("could not be fetched", SAFE, "Try again")),
    Expected("asset-404", "DOWNLOADING", sentence=("could not be fetched", SAFE, "Try again")),
    Expected("asset-410", "DOWNLOADING", sentence=("could not be fetched", SAFE, "Try again")),
    Expected("asset-redirect-loop", "DOWNLOADING", sentence=("could not be fetched", SAFE, "Try again")),
    Expected("asset-500", "DOWNLOADING", sentence=("could not be fetched", SAFE, "Try again")),
    Expected("asset-truncated", "DOWNLOADING", sentence=("could not be fetched", SAFE, "Try again")),
    Expected("asset-reset-at-half", "DOWNLOADING", sentence=("could not be fetched", SAFE, "Try again")),
    Expected("asset-drips", "DOWNLOADING", sentence=("could not be fetched", SAFE, "Try again")),
    Expected("asset-never-answers", "DOWNLOADING", sentence=("could not be fetched", SAFE, "Try again")),
    # Only the importer can tell, so the download is whole as far as anybody says.
    Expected("asset-wrong-length", "READY", sentence=("cut short", "nothing is charged again", "Try again")),
    Expected("asset-html", "READY", sentence=("not a 3D model", "nothing is charged again", "Try again")),
    # No way to the service: not a byte of the request left.
    Expected("nobody-listens", "FAILED", 0, 0, ("could not be reached", "Nothing was sent or charged", "try again")),
    Expected("name-not-known", "FAILED", 0, 0, ("could not be reached", "Nothing was sent or charged", "try again")),
    Expected("no-encryption", "FAILED", 0, 0, ("could not be reached", "Nothing was sent or charged", "try again")),
    Expected("offline", "QUEUED", 0, 0),
    # What is known to be refused is not sent.
    Expected("text-only-model", "FAILED", 0, 0, ("takes text only", "Nothing was sent or charged")),
    Expected("picture-only-model", "FAILED", 0, 0, ("needs a picture", "Nothing was sent or charged")),
    Expected("prompt-too-long", "FAILED", 0, 0, ("takes 1024", "Nothing was sent or charged", "Shorten it")),
    Expected("unknown-model", "FAILED", 0, 0, ("does not know the model", NOT_CHARGED)),
    Expected("picture-gone", "FAILED", 0, 0, ("Nothing was sent or charged",)),
    Expected("picture-is-text", "FAILED", 0, 0, ("Nothing was sent or charged",)),
    Expected("picture-damaged", "FAILED", 0, 0, ("picture.png is damaged", NOT_SENT, "Choose another")),
    Expected("picture-without-pixels", "FAILED", 0, 0, ("picture.png has no pixels", NOT_SENT, "Choose another")),
    # A picture behind a URL is looked at first: what is certainly none is not sent, a doubt is said and sent.
    Expected("image-url-with-a-password", "FAILED", 0, 0, ("holds a user name or a password", NOT_SENT)),
    Expected("image-url-of-a-text-only-model", "FAILED", 0, 0, ("takes text only", NOT_SENT)),
    Expected("picture-404", "FAILED", 0, 0, ("nothing at the image URL", NOT_SENT, "choose an image file")),
    Expected("picture-410", "FAILED", 0, 0, ("nothing at the image URL", NOT_SENT, "choose an image file")),
    Expected("picture-html", "FAILED", 0, 0, ("a web page at the image URL", NOT_SENT, "choose an image file")),
    Expected("picture-json", "FAILED", 0, 0, ("a data file at the image URL", NOT_SENT, "choose an image file")),
    Expected("picture-model", "FAILED", 0, 0, ("a 3D model at the image URL", NOT_SENT, "choose an image file")),
    Expected("picture-403", "READY", sentence=(DOUBTFUL, "does not show it to everybody")),
    Expected("picture-500", "READY", sentence=(DOUBTFUL, "status 500")),
    Expected("picture-gif", "READY", sentence=(DOUBTFUL, "no PNG, JPEG or WebP")),
    Expected("picture-untyped", "READY", sentence=(DOUBTFUL, "does not say that it is a picture")),
    Expected("picture-never-answers", "READY", sentence=(DOUBTFUL, "no clear answer in time")),
    Expected("picture-reset", "READY", sentence=(DOUBTFUL, "no clear answer in time")),
    Expected("picture-redirect-loop", "READY", sentence=(DOUBTFUL, "from one address to the next")),
    Expected("picture-redirect-forbidden", "READY", sentence=(DOUBTFUL, "address that the service does not open")),
    Expected("picture-redirect", "READY"),
    Expected("picture-slow", "READY"),
    Expected("picture-ignores-range", "READY"),
)
