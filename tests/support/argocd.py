"""How Argo CD judges an object by a health check in Lua, as its controller runs it.

The rules are those of Argo CD 3: `util/lua/lua.go` gives a script from argocd-cm the base and
table libraries and os.time and os.date, no others; `gitops-engine/pkg/health/health.go` checks for
a deletion first. tests/slow/product/test_gitops_for_real.py compares this with its interpreter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from lupa import lua51

from support.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable

FOLDER = ROOT / "gitops" / "argocd"
CHECKS = FOLDER / "resource_customizations"

STATUSES = {"Healthy", "Progressing", "Degraded", "Suspended"}
LIBRARIES = {"table", "os", "package"}
BASE = {
    *("_G", "_VERSION", "assert", "collectgarbage", "dofile", "error", "getfenv", "getmetatable"),
    *("ipairs", "load", "loadfile", "loadstring", "module", "newproxy", "next", "pairs", "pcall"),
    *("print", "rawequal", "rawget", "rawset", "require", "select", "setfenv", "setmetatable"),
    *("tonumber", "tostring", "type", "unpack", "xpcall"),
}


class Health(NamedTuple):
    """What Argo CD shows of a resource."""

    status: str
    message: str = ""


def script(kind: str) -> str:
    """Our health check of a kind."""
    return (CHECKS / "imagejob.dev" / kind / "health.lua").read_text()


def health(body: dict[str, Any], source: str | None = None) -> Health:
    """The health of an object by our check of its kind, or by that `source`."""
    if body["metadata"].get("deletionTimestamp"):
        return Health("Progressing", "Pending deletion")
    lua = _runtime()
    lua.globals()["obj"] = lua.table_from(body, recursive=True)
    found = dict(lua.execute(source or script(body["kind"])))
    assert found.keys() <= {"status", "message"}
    assert found["status"] in STATUSES
    return Health(**found)


def worst(healths: Iterable[Health]) -> str:
    """The health of an application with these resources."""
    order = ("Healthy", "Suspended", "Progressing", "Missing", "Degraded", "Unknown")
    return max((each.status for each in healths), key=order.index, default="Healthy")


def _runtime() -> Any:
    """Lua 5.1, like gopher-lua, without what scripts may not use."""
    lua = lua51.LuaRuntime(register_eval=False, register_builtins=False)
    for name in set(lua.globals()) - BASE - LIBRARIES:
        lua.globals()[name] = None
    lua.execute("os = {time = os.time, date = os.date}; getmetatable('').__index = nil")
    return lua
