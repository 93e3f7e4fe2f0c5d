"""The command line: settings, and one line for what can go wrong."""

import socket
from pathlib import Path

import kopf
import pytest

from kube.api import kubeconfig
from parkingspots_operator import cli, logs
from parkingspots_operator.kubernetes import Kubernetes, NoCluster, login
from parkingspots_operator.operator import Settings


@pytest.fixture(autouse=True)
def _nothing_of_the_developer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in (
        "POD_NAMESPACE",
        "LIVENESS_PORT",
        "METRICS_PORT",
        "LOG_LEVEL",
        "KUBECONFIG",
        "KUBERNETES_SERVICE_HOST",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(logs, "configure", str)


def settings(*arguments: str, file: Path = Path("/nowhere")) -> Settings:
    return cli.settings_of(cli._options(arguments), file)


def test_settings_come_from_flags_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POD_NAMESPACE", "of-the-pod")
    monkeypatch.setenv("METRICS_PORT", "9191")
    assert settings() == Settings("of-the-pod", 8080, 9191)
    assert settings("--namespace", "other", "--liveness-port", "81") == Settings("other", 81, 9191)


def test_a_pod_knows_its_namespace(tmp_path: Path) -> None:
    file = tmp_path / "namespace"
    file.write_text("of-the-pod\n")
    assert settings(file=file).namespace == "of-the-pod"


def complaint(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    assert isinstance(ended.value.code, str), capsys.readouterr()
    assert "\n" not in ended.value.code
    return ended.value.code


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "Which namespace? Set POD_NAMESPACE, or give --namespace."),
        (
            ("--namespace", "ps", "--metrics-port", "many"),
            "METRICS_PORT must be a port between 1 and 65535, not 'many'.",
        ),
        (
            ("--namespace", "ps", "--metrics-port", "9" * 5_000),
            "METRICS_PORT must be a port between 1 and 65535, not '99999999999999999999'.",
        ),
        (("--namespace", "ps", "--liveness-port", "0"), "LIVENESS_PORT must be a port between 1 and 65535, not '0'."),
        (("--log-level", "loud"), "LOG_LEVEL must be one of debug, info, warning, error, not 'loud'."),
        (("--namespace", "ps"), "No cluster: this is no pod with a service account, and KUBECONFIG names no file."),
    ],
)
def test_what_can_go_wrong_is_one_line(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], sentence: str
) -> None:
    assert complaint(capsys, *arguments) == f"parkingspots-operator: {sentence}"


def test_a_port_that_is_taken_is_named(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig(tmp_path, "http://127.0.0.1:1")))
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert port in complaint(capsys, "--namespace", "ps", "--liveness-port", port)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("contexts: []", id="no context"),
        pytest.param("current-context: here", id="an unknown context"),
        pytest.param("current-context: here\ncontexts: [{name: here, context: {cluster: x}}]", id="no such cluster"),
        pytest.param("a: [", id="no YAML"),
        pytest.param(None, id="no file"),
    ],
)
def test_a_kubeconfig_that_cannot_be_used_is_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | None
) -> None:
    file = tmp_path / "config"
    if text:
        file.write_text(text)
    monkeypatch.setenv("KUBECONFIG", str(file))
    assert "The kubeconfig cannot be used" in complaint(capsys, "--namespace", "ps")


def test_it_says_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--version"])
    assert capsys.readouterr().out == "parkingspots-operator 0.1.0\n"


async def test_certificates_that_cannot_be_used_are_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = kubeconfig(tmp_path, "https://127.0.0.1:1")
    file.write_text(file.read_text().replace('"server"', '"certificate-authority-data": "bm8=", "server"'))
    monkeypatch.setenv("KUBECONFIG", str(file))
    with pytest.raises(NoCluster, match="The certificates cannot be used"):
        await Kubernetes("ps").__aenter__()


class TestLoggingIn:
    @pytest.fixture(autouse=True)
    def _in_a_pod(self, monkeypatch: pytest.MonkeyPatch) -> None:
        account = kopf.ConnectionInfo(server="https://kubernetes.default.svc", token="of-the-pod")
        monkeypatch.setattr(kopf, "login_with_service_account", lambda **_: account)

    @pytest.mark.parametrize(
        ("host", "server"), [("10.0.0.1", "https://10.0.0.1:6443"), ("fd00::1", "https://[fd00::1]:6443")]
    )
    def test_a_pod_goes_to_the_address_it_was_given(
        self, monkeypatch: pytest.MonkeyPatch, host: str, server: str
    ) -> None:
        monkeypatch.setenv("KUBERNETES_SERVICE_HOST", host)
        monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "6443")
        assert (login().server, login().token) == (server, "of-the-pod")

    def test_without_one_it_goes_by_name(self) -> None:
        assert login().server == "https://kubernetes.default.svc"


def test_nobody_logs_in_without_a_cluster() -> None:
    with pytest.raises(NoCluster):
        login()
