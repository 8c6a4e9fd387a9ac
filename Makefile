# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Every target gets a Python with Blender in it from .ci/environment.py (made on first use, in .venvs) and starts a
# module with it. So the same works on Windows without make; there, type:
#
#   py .ci\environment.py                              once; it prints the path of a Python
#   .venvs\bpy-5.2\Scripts\python -m tests             make test
#   .venvs\bpy-5.2\Scripts\python -m tests --tier core make test TIER=core
#   .venvs\bpy-5.2\Scripts\python -m tests.build       make build
#   .venvs\bpy-5.2\Scripts\python -m tests.release     make release
#   .venvs\bpy-5.2\Scripts\python -m tests.demo        make demo
#   .venvs\bpy-5.2\Scripts\python -m tests.simulator   make simulator
#   .venvs\bpy-5.2\Scripts\python -m tests.lint        make lint
#
# Variables: TIER="core blender gui" (test), BPY="4.2 4.5 5.0 5.1 5.2" (test, matrix; one of them for the others),
# FORMAT, IMAGE, PROMPT, LIVE=1 (demo), CAMPAIGN, N (campaign: which, and how many rounds; not on Windows), BENCH (bench: which, all if none),
# WINDOW="5.2" or "4.3" (which Blender the gui tier opens),
# ARGS (passed on as it is: `make test TIER=core ARGS="-k journal -x"`).

PYTHON ?= python3
GET_PYTHON = PY="$$($(PYTHON) .ci/environment.py)"
GET_PYTHON_OF_BPY = PY="$$($(PYTHON) .ci/environment.py --bpy $(or $(BPY),newest))"

# Through the environment, because a prompt may hold any character.
export IMAGE PROMPT
export BLENDER_WINDOW = $(WINDOW)
DEMO_OPTIONS = $(if $(FORMAT),--format $(FORMAT)) $(if $(IMAGE),--image "$$IMAGE") $(if $(PROMPT),--prompt "$$PROMPT") \
	$(if $(LIVE),--live)

.PHONY: test demo build release repository simulator lint matrix campaign pictures bench

test:
	@$(GET_PYTHON) && "$$PY" -m tests $(addprefix --tier ,$(TIER)) $(if $(BPY),--bpy $(BPY)) $(if $(ARGS),-- $(ARGS))

demo:
	@$(GET_PYTHON_OF_BPY) && "$$PY" -m tests.demo $(DEMO_OPTIONS) $(ARGS)

build:
	@$(GET_PYTHON_OF_BPY) && "$$PY" -m tests.build $(ARGS)

release:
	@$(GET_PYTHON_OF_BPY) && "$$PY" -m tests.release $(ARGS)

repository:
	@$(GET_PYTHON_OF_BPY) && "$$PY" -m tests.release --repository $(ARGS)

simulator:
	@$(GET_PYTHON) && "$$PY" -m tests.simulator $(ARGS)

lint:
	@$(GET_PYTHON) && "$$PY" -m tests.lint

matrix:
	@$(GET_PYTHON) && "$$PY" -m tests.matrix $(if $(BPY),--bpy $(BPY)) $(if $(WINDOW),--window $(WINDOW)) $(ARGS)

campaign:
	@$(GET_PYTHON_OF_BPY) && "$$PY" -m tests.campaigns.$(CAMPAIGN) $(if $(N),--rounds $(N)) $(ARGS)

# The pictures of the user guide, from a real window
pictures:
	@$(GET_PYTHON) && TOKENLAB_PICTURES=docs/images "$$PY" -m tests --tier gui -- -k "each_state or test_variations" $(ARGS)

bench:
	@$(GET_PYTHON_OF_BPY) && "$$PY" -m tests.bench $(BENCH) $(ARGS)
