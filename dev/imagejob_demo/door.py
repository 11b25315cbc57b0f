"""The other way in: the demo's gateway, and one upload through it with curl."""

from __future__ import annotations

import json
import os
import secrets
import shlex
import shutil
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jwt
import yaml
from imagejob_dev import helm, kubeconfig
from imagejob_dev.client import GATEWAY_CHART
from imagejob_dev.errors import DevError
from imagejob_dev.gateways import ACCOUNT, READY, RIGHTS
from imagejob_dev.ports import LOOPBACK, free_ports
from imagejob_dev.rest import over_http
from imagejob_dev.tools.catalogue import HELM
from imagejob_dev.tools.find import find

from imagejob_demo import stage, tour

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from imagejob_dev.progress import Progress
    from rich.console import Console

    from imagejob_demo.stage import Stage

ISSUER = "demo"
TOKEN_SECONDS, READY_SECONDS, PICTURE_SECONDS = 3600, 30.0, 60.0
UPLOAD = "/api/v1/images/upload"

OPEN = """
The same without kubectl: the gateway at [bold]{url}[/bold] takes uploads over HTTP.
This token is valid for an hour, to upload, read and delete what it has uploaded:

  TOKEN={token}
"""


@dataclass(frozen=True)
class Door:
    """A gateway that was launched."""

    running: Stage
    port: int
    key: str

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    def token(self) -> str:
        """Of somebody who may upload, read and delete for an hour."""
        now = int(time.time())
        times = {"iat": now, "exp": now + TOKEN_SECONDS}
        who = {"iss": ISSUER, "aud": ISSUER, "sub": "visitor", "scope": "upload read delete"}
        return jwt.encode({**who, **times}, self.key, "HS256")


def build(running: Stage, progress: Progress) -> Door:
    """Launch the gateway, with its chart's rights and no others; it is ready a moment later."""
    if not shutil.which("curl"):
        raise DevError("There is no curl, which the demo's last upload is made with.")
    find(progress, (HELM,))
    progress.start("opening the gateway, for uploads over HTTP")
    (port,) = free_ports(1)
    door = Door(running, port, secrets.token_hex(32))
    folder = running.paths.gateway
    folder.mkdir(mode=0o700, exist_ok=True)
    (folder / "settings.json").write_text(json.dumps(_settings(door)))
    rendered = helm.run(
        folder, ["template", ACCOUNT, GATEWAY_CHART, f"--namespace={stage.NAMESPACE}"]
    )
    bodies = [each for each in yaml.safe_load_all(rendered) if each and each["kind"] in RIGHTS]
    running.kubectl("apply", "--filename=-", stdin=yaml.safe_dump_all(bodies))
    own = json.loads(
        running.kubectl("config", "view", "--raw", "--minify", "--flatten", "--output=json")
    )
    token = running.kubectl("create", "token", ACCOUNT, "--duration=720h").strip()
    account = kubeconfig.for_account(own, token, stage.NAMESPACE)
    kubeconfig.save(folder / "kubeconfig", account)
    stage.keep_gateway(running.paths, port)
    progress.done()
    return door


def _settings(door: Door) -> dict[str, Any]:
    """As the chart and the kubelet would give it: a file, and folders with what Secrets hold."""
    folder, cluster = door.running.paths.gateway, door.running.cluster
    store = folder / "store"
    store.mkdir(exist_ok=True)
    (store / "AWS_ACCESS_KEY_ID").write_text(cluster.s3_access_key)
    (store / "AWS_SECRET_ACCESS_KEY").write_text(cluster.s3_secret_key)
    (folder / "key").write_text(door.key)
    issuer = {"issuer": ISSUER, "audience": ISSUER, "keyFile": str(folder / "key")}
    return {
        "namespace": stage.NAMESPACE,
        "listen": f"{LOOPBACK}:{door.port}",
        "metricsListen": "",
        "stores": [{"name": "uploads", "credentials": str(store)}],
        "profiles": [{"name": "web"}],
        "issuers": [issuer],
        "internalCidrs": [f"{LOOPBACK}/32"],  # where the cluster's S3 server is
        "logFormat": "text",
    }


def upload(door: Door, photo: Path, console: Console) -> None:
    """Upload a photo with the very command that is shown, and show where its outputs are."""
    rest, log = over_http(door.port), door.running.paths.gateway_log
    _wait(lambda: rest.answers(READY), READY_SECONDS, f"isn't ready. {stage.log_end(log)}")
    token = door.token()
    console.print(OPEN.format(url=door.url, token=token), highlight=False, soft_wrap=True)
    words = ["curl", "-sS", "-H", "Authorization: Bearer $TOKEN", "-H", "Content-Type: image/jpeg"]
    words += ["--data-binary", f"@{tour.short(photo)}", f"{door.url}{UPLOAD}"]
    shown = " ".join(f'"{word}"' if " " in word else shlex.quote(word) for word in words)
    console.print(f"$ {shown}", style="bold", highlight=False, markup=False, soft_wrap=True)
    image = _ask([word.replace("$TOKEN", token) for word in words])
    answer = json.dumps({name: image[name] for name in ("name", "phase", "profile")})
    console.print(f"{answer}", highlight=False, markup=False)
    for name, url in _outputs(door, token, image["name"]).items():
        console.print(f"  {name:<6} {url}", highlight=False, markup=False, soft_wrap=True)


def _ask(command: list[str]) -> Any:  # noqa: ANN401 (JSON)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        raise DevError(f"curl: {done.stderr or done.stdout}") from None
    if "name" not in answer:
        raise DevError(f"the gateway refused the upload: {done.stdout}")
    return answer


def _outputs(door: Door, token: str, name: str) -> Mapping[str, str]:
    """Output → the URL in the store that the gateway redirects to, once the image is processed."""
    rest = over_http(door.port).with_headers(Authorization=f"Bearer {token}")
    path = f"/api/v1/images/{name}"
    _wait(
        lambda: rest.get(path)["phase"] in ("Succeeded", "Failed"),
        PICTURE_SECONDS,
        f"has not processed {name}",
    )
    image = rest.get(path)
    if image["phase"] != "Succeeded":
        raise DevError(f"{name} failed: {image.get('message')}")
    return {each["name"]: _where(door, token, each["link"]) for each in image["outputs"]}


def _where(door: Door, token: str, link: str) -> str:
    """Ask as a client would that doesn't follow the redirect yet."""
    words = ["curl", "-sS", "-o", os.devnull, "-w", "%{redirect_url}"]
    words += ["-H", f"Authorization: Bearer {token}", f"{door.url}{link}"]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def _wait(condition: Callable[[], bool], seconds: float, complaint: str) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise DevError(f"the gateway {complaint}")
        time.sleep(0.1)
