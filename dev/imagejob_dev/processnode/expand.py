"""`$(NAME)` in env values and commands, exactly as the kubelet expands it.

The rules are those of k8s.io/kubernetes/third_party/forked/golang/expansion: `$(NAME)` is replaced
by the variable, and stays as it is when there is none; `$$` is a `$` that begins nothing; anything
else is left alone; what was put in is not looked at again.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

REFERENCE = re.compile(r"\$(?:\$|\(([^)]*)\))")


def expand(text: str, variables: Mapping[str, str]) -> str:
    def replacement(found: re.Match[str]) -> str:
        name = found.group(1)
        return "$" if name is None else variables.get(name, found.group(0))

    return REFERENCE.sub(replacement, text)
