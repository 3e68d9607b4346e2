"""The stack in containers: safe by default, complete, and nothing to set before the first start."""

from __future__ import annotations

import http.server
import importlib.util
import json
import os
import re
import shutil
import stat
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "docker-compose.yaml").read_text()
STACK: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = STACK["services"]
LASTING = ("postgres", "api-server", "scheduler", "dag-processor")
AIRFLOW = ("init", "migrate", "api-server", "scheduler", "dag-processor")
VARIABLES = set(re.findall(r"(?<!\$)\$\{(\w+)", TEXT))
PASSED_ON = {
    name
    for service in SERVICES.values()
    for name, value in (service.get("environment") or {}).items()
    if value is None
}
DOCUMENTED = set(re.findall(r"^# ?([A-Z][A-Z0-9_]+)=", (ROOT / ".env.example").read_text(), re.M))


def module_of(name: str) -> ModuleType:
    """Load a file of docker/, which is no package."""
    spec = importlib.util.spec_from_file_location(f"docker_{name}", ROOT / "docker" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


start, healthy = module_of("start"), module_of("healthy")


class TestTheFile:
    def test_ports_are_open_on_this_machine_only(self) -> None:
        ports = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
        assert ports == {"api-server": ["127.0.0.1:${DATAOPS_PORT:-8080}:8080"]}

    def test_no_secret_has_a_value_or_a_default(self) -> None:
        """Secrets are made at the first start, or passed on from outside."""
        secret = re.compile(r"PASSWORD|SECRET|TOKEN|FERNET|_KEY|SQL_ALCHEMY_CONN")
        for name, service in SERVICES.items():
            values = service.get("environment") or {}
            assert not {k: v for k, v in values.items() if secret.search(k) and v}, name
        assert not re.search(r"\$\{\w*(PASSWORD|SECRET|TOKEN|KEY)", TEXT)
        assert not re.search(r"://[^/\s]*:[^/\s@]*@", TEXT)

    def test_nothing_has_to_be_set_before_the_first_start(self) -> None:
        needed = re.findall(r"(?<!\$)\$\{(\w+)(?!\w*:[-+])[^}]*\}", TEXT)
        assert set(needed) <= {"COMPOSE_PROJECT_NAME"}, "Compose itself sets only that one"
        assert "env_file" not in TEXT

    def test_every_variable_stands_in_env_example(self) -> None:
        assert VARIABLES | PASSED_ON <= DOCUMENTED

    def test_every_documented_setting_reaches_what_makes_the_data(self) -> None:
        paths = {"DATAOPS_ROOT", "DATAOPS_DATA", "DATAOPS_PORT", "COMPOSE_PROJECT_NAME"}
        passed = {k for k, v in SERVICES["scheduler"]["environment"].items() if v is None}
        assert passed == DOCUMENTED - paths

    def test_model_keys_reach_no_other_container(self) -> None:
        for name in set(SERVICES) - {"scheduler"}:
            assert not [
                k
                for k in SERVICES[name].get("environment") or {}
                if any(word in k for word in ("LLM", "OPENAI", "ANTHROPIC", "CONNECTION_"))
            ]

    @pytest.mark.parametrize("name", LASTING)
    def test_what_lasts_is_watched_restarted_and_stopped_gently(self, name: str) -> None:
        service = SERVICES[name]
        assert service["restart"] == "unless-stopped"
        assert service["init"] is True
        assert service["healthcheck"]["test"][0] == "CMD"
        assert service["stop_grace_period"] in ("30s", "1m", "2m")
        assert service["logging"]["options"]["max-size"]

    @pytest.mark.parametrize("name", AIRFLOW)
    def test_root_can_do_nothing_but_become_the_owner(self, name: str) -> None:
        service = SERVICES[name]
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        owners = {"CHOWN", "DAC_OVERRIDE", "FOWNER"} if name == "init" else {"KILL"}
        assert set(service["cap_add"]) == {"SETGID", "SETUID"} | owners
        assert "privileged" not in service

    @pytest.mark.parametrize("name", AIRFLOW)
    def test_code_is_mounted_read_only_and_data_is_a_folder_of_this_machine(
        self, name: str
    ) -> None:
        mounts = SERVICES[name]["volumes"]
        code = [m for m in mounts if isinstance(m, str) and m.startswith("./")]
        assert code
        assert all(mount.endswith(":ro") for mount in code)
        assert {Path(mount.split(":")[0]).name for mount in code} >= {"assets", "dags", "resources"}
        data = [m for m in mounts if isinstance(m, dict)]
        assert [(m["type"], m["target"]) for m in data] == [("bind", "/project/data")]

    def test_one_image_for_all_of_airflow_and_only_one_service_builds_it(self) -> None:
        assert len({SERVICES[name]["image"] for name in AIRFLOW}) == 1
        assert [name for name in SERVICES if "build" in SERVICES[name]] == ["init"]

    def test_everything_waits_for_the_secrets(self) -> None:
        def before(name: str) -> set[str]:
            direct = set(SERVICES[name].get("depends_on") or ())
            return direct.union(*(before(one) for one in direct))

        assert all("init" in before(name) for name in SERVICES if name != "init")

    def test_compose_itself_reads_it_without_a_warning(self) -> None:
        command = compose()
        if not command:
            pytest.skip("neither `docker compose` nor `docker-compose` works here")
        kept = ("PATH", "HOME", "DOCKER_HOST", "DOCKER_CONFIG", "DOCKER_CONTEXT")
        outside = {name: os.environ[name] for name in kept if name in os.environ}
        words = [*command, "--project-directory", str(ROOT), "--env-file", os.devnull]
        done = subprocess.run(
            [*words, "-f", str(ROOT / "docker-compose.yaml"), "config", "--quiet"],
            capture_output=True,
            text=True,
            env=outside,
            check=False,
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def compose() -> list[str]:
    """Give the command of a Compose that works here ([] where there is none)."""
    for words in (["docker", "compose"], ["docker-compose"]):
        if shutil.which(words[0]):
            done = subprocess.run([*words, "version"], capture_output=True, check=False)
            if done.returncode == 0:
                return words
    return []


class TestTheImage:
    def test_the_older_builder_can_make_it(self) -> None:
        text = (ROOT / "Dockerfile").read_text()
        assert "FROM python:3.13-slim-bookworm\n" in text
        assert not re.search(r"^# *syntax=|<<|--mount|--chmod|--link", text, re.M)

    def test_packages_are_the_locked_ones(self) -> None:
        assert "--require-hashes" in (ROOT / "Dockerfile").read_text()

    def test_only_named_things_go_in(self) -> None:
        lines = (ROOT / ".dockerignore").read_text().splitlines()
        assert next(line for line in lines if not line.startswith("#")) == "*"
        assert not {"!data", "!.env", "!.git"} & set(lines)


class TestSecrets:
    def test_they_are_made_once_for_their_owner_only(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        start.make_secrets(tmp_path)
        made = {file.name: file.read_text() for file in tmp_path.iterdir()}
        assert len(made) == 5
        assert all(len(text) >= 16 for text in made.values())
        assert len(set(made.values())) == 5
        modes = {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
        assert modes == {0o600}
        said = capsys.readouterr().out
        assert not any(text in said for text in made.values())
        (tmp_path / "jwt_secret").unlink()
        start.make_secrets(tmp_path)
        again = {file.name: file.read_text() for file in tmp_path.iterdir()}
        assert {name for name in made if made[name] != again[name]} == {"jwt_secret"}

    def test_airflow_is_told_all_of_them(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(start, "SECRETS", tmp_path)
        start.make_secrets(tmp_path)
        told = " ".join(start.secret_settings().values())
        for name in ("api_secret_key", "fernet_key", "jwt_secret", "postgres_password"):
            assert (tmp_path / name).read_text() in told

    def test_the_fernet_key_is_one(self, tmp_path: Path) -> None:
        fernet = pytest.importorskip("cryptography.fernet")
        start.make_secrets(tmp_path)
        assert fernet.Fernet((tmp_path / "fernet_key").read_bytes())


class TestTheStart:
    def test_a_service_that_starts_before_init_says_so(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(start, "SECRETS", tmp_path / "none")
        monkeypatch.setattr(os, "getuid", lambda: 0)
        monkeypatch.setattr(os, "umask", lambda _mask: 0)
        with pytest.raises(SystemExit, match="`init` has not run"):
            start.become_owner()

    def test_an_image_of_other_packages_is_refused(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for place, text in (("image", "a==1"), ("project", "a==2")):
            (tmp_path / place).mkdir()
            (tmp_path / place / "requirements-compose.lock").write_text(text)
        monkeypatch.setattr(start, "IMAGE", tmp_path / "image")
        monkeypatch.setattr(start, "PROJECT", tmp_path / "project")
        with pytest.raises(SystemExit, match="--build"):
            start.need_fitting_image()

    def test_a_data_folder_that_cannot_be_written_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(SystemExit, match=f"uid {os.getuid()}.* cannot write there"):
            start.need_access(tmp_path / "none")

    def test_the_services_talk_past_a_proxy(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("no_proxy", "intranet")
        assert start.past_proxies()["no_proxy"] == "intranet,api-server,localhost,127.0.0.1"

    @pytest.mark.skipif(os.getuid() != 0, reason="only root can give files away")
    def test_only_what_belongs_to_root_is_handed_over_and_links_are_not_followed(
        self, tmp_path: Path
    ) -> None:
        data, outside = tmp_path / "data", tmp_path / "outside"
        (data / "raw").mkdir(parents=True)
        (data / "mine").touch()
        (data / "other").touch()
        os.chown(data / "other", 4242, 4242)
        outside.touch()
        (data / "link").symlink_to(outside)
        start.hand_over(data, (1234, 99), lambda uid: uid == 0)
        owners = {path.name: path.lstat().st_uid for path in (data, *data.iterdir(), outside)}
        expected = {"data": 1234, "raw": 1234, "mine": 1234, "link": 1234}
        assert owners == {**expected, "other": 4242, "outside": 0}


@pytest.fixture
def health_page() -> Iterator[str]:
    """Serve a health page as Airflow's on a free port; give its address."""

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(503 if self.path == "/ill" else 200)
            self.end_headers()
            states = {"metadatabase": {"status": "healthy"}, "dag_processor": {"status": None}}
            self.wfile.write(json.dumps(states).encode())

        def log_message(self, *words: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


class TestHealth:
    def test_a_component_is_healthy_when_its_page_says_so(self, health_page: str) -> None:
        assert healthy.main([f"{health_page}/health", "metadatabase"]) == 0
        assert healthy.main([f"{health_page}/health", "dag_processor"]) == 1
        assert healthy.main([f"{health_page}/health", "triggerer"]) == 1
        assert healthy.main([f"{health_page}/ill", "metadatabase"]) == 1

    def test_without_a_component_the_status_decides(self, health_page: str) -> None:
        assert healthy.main([f"{health_page}/health"]) == 0
        assert healthy.main([f"{health_page}/ill"]) == 1

    def test_silence_is_not_health(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert healthy.main(["127.0.0.1:1/health"]) == 1
        assert "no answer" in capsys.readouterr().out
