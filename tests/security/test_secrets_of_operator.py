"""The operator shows its token to nobody but the API server, which may be as unkind as it likes."""

import os
import sys
from pathlib import Path

import aiohttp

from kube.api import kubeconfig, standing_in
from kube.cluster import Cluster
from kube.process import until
from parkingspots.dev.ports import free_port
from security.canaries import Canaries, command_lines
from security.programs import begin


async def test_no_token_is_in_what_it_writes_nor_in_its_metrics_nor_in_ps(tmp_path: Path) -> None:
    canaries, ports = Canaries(), {"LIVENESS_PORT": str(free_port()), "METRICS_PORT": str(free_port())}
    token = canaries.plant("token")
    async with standing_in() as api:
        config = str(kubeconfig(tmp_path, api.url, token))
        environment = {**os.environ, **ports, "KUBECONFIG": config, "POD_NAMESPACE": "ps", "LOG_LEVEL": "debug"}
        environment.pop("KUBERNETES_SERVICE_HOST", None)
        process = await begin(environment, tmp_path, "parkingspots_operator")
        cluster = Cluster(api)
        await cluster.install()
        await until(lambda: cluster.phase() == "Migrating" or process.returncode is not None)
        for status in (401, 403, 500):
            api.refusals["list", "jobs"] = api.refusals["get", "jobs"] = (status, f"refused: Bearer of {status}")
            await cluster.annotate("purge-cache", str(status))
        await api.go_away()
        api.come_back()
        shown = command_lines(process.pid)
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://127.0.0.1:{ports['METRICS_PORT']}/metrics") as answer:
                metrics = await answer.text()
            async with session.get(f"http://127.0.0.1:{ports['LIVENESS_PORT']}/healthz") as answer:
                health = await answer.text()
        process.terminate()
        written, _ = await process.communicate()
    assert sys.executable in shown
    assert "operator started" in written.decode()
    assert canaries.found_in(written.decode(), metrics, health, shown) == set()
