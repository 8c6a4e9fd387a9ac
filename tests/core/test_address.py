# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an image URL may be, told without the network; every objection is a sentence that does not repeat it."""

from __future__ import annotations

import pytest

from core.service.address import MAX_IMAGE_URL, is_public, is_public_address, objection_to_image_url

PUBLIC = (
    "https://example.com/cat.png",
    "http://example.com/cat.png",
    "HTTPS://EXAMPLE.COM/cat.png",
    "https://example.com:8443/cat.png?signature=a%20b&expires=1",
    "https://example.com",
    "https://example.com./cat.png",
    "https://bücher.example/katze.png",
    "https://8.8.8.8/cat.png",
    "https://[2001:4860:4860::8888]/cat.png",
    "https://[::ffff:8.8.8.8]/cat.png",
    "https://localhost.example.com/cat.png",
    "https://example.com/user@place.png",
)
NO_ADDRESS = (
    "example.com/cat.png",
    "//example.com/cat.png",
    "ftp://example.com/cat.png",
    "file:///home/me/cat.png",
    "/home/me/cat.png",
    "data:image/png;base64,AAAA",
    "javascript:alert(1)",
    "https://",
    "https:///cat.png",
    "https://[::1/cat.png",
    "https://example.com:port/cat.png",
    "https://example.com:99999/cat.png",
    "https://example.com/my cat.png",
    "https://example.com/a\nb.png",
    "https://example.com\\@evil.example/cat.png",
)
PRIVATE = (
    "http://localhost/cat.png",
    "http://cat.localhost/cat.png",
    "https://nas/cat.png",
    "https://printer.local/cat.png",
    "https://build.internal/cat.png",
    "https://router.lan./cat.png",
    "https://tv.home.arpa/cat.png",
    "http://127.0.0.1:8080/cat.png",
    "http://10.1.2.3/cat.png",
    "http://172.16.0.1/cat.png",
    "http://192.168.1.5/cat.png",
    "http://169.254.169.254/latest/meta-data",
    "http://100.64.0.1/cat.png",
    "http://0.0.0.0/cat.png",
    "http://224.0.0.1/cat.png",
    "http://[::1]/cat.png",
    "http://[fe80::1%25eth0]/cat.png",
    "http://[fd00::1]/cat.png",
    "http://[::ffff:127.0.0.1]/cat.png",
    "http://127.1/cat.png",
    "http://2130706433/cat.png",
    "http://0x7f.0x1/cat.png",
)


@pytest.mark.parametrize("url", PUBLIC)
def test_a_public_address_is_taken(url: str) -> None:
    assert objection_to_image_url(url, is_local=False) == ""


def objection(url: str, *, is_local: bool) -> str:
    """The objection, which must be a whole sentence, and without the address."""
    sentence = objection_to_image_url(url, is_local=is_local)
    assert sentence.startswith("The image URL ")
    assert "Nothing was sent or charged." in sentence
    assert sentence.endswith("or choose an image file.")
    assert "cat" not in sentence and "example" not in sentence and "://" not in sentence
    return sentence


@pytest.mark.parametrize("url", NO_ADDRESS)
@pytest.mark.parametrize("is_local", [True, False])
def test_what_is_no_address_on_the_web_is_refused(url: str, is_local: bool) -> None:
    assert "is not an address on the web" in objection(url, is_local=is_local)


@pytest.mark.parametrize("url", PRIVATE)
def test_an_address_of_this_machine_or_network_is_refused_unless_the_service_is_there_too(url: str) -> None:
    assert "leads to this computer or to a private network" in objection(url, is_local=False)
    assert objection_to_image_url(url, is_local=True) == ""


@pytest.mark.parametrize("name", ["me", "me:secret", ":secret", ""])
def test_credentials_are_refused(name: str) -> None:
    sentence = objection(f"https://{name}@example.com/cat.png", is_local=True)
    assert "holds a user name or a password" in sentence and "secret" not in sentence


@pytest.mark.parametrize("end", ["#top", "#", "?a=1#b"])
def test_a_fragment_is_refused(end: str) -> None:
    assert "goes on after a #" in objection(f"https://example.com/cat.png{end}", is_local=True)


def test_an_address_that_is_too_long_is_refused_and_not_cut() -> None:
    longest = "https://example.com/".ljust(MAX_IMAGE_URL, "a")
    assert objection_to_image_url(longest, is_local=False) == ""
    assert "has more than 4000 characters" in objection(longest + "a", is_local=False)


def test_only_an_ip_address_is_judged_as_one() -> None:
    assert is_public_address("8.8.8.8")
    assert not is_public_address("fe80::1%eth0")
    with pytest.raises(ValueError, match="does not appear to be an IP"):
        is_public_address("example.com")
    assert not is_public("http://[bad")
