"""The command line."""

import pytest

from efishery_run.cli import main


@pytest.mark.parametrize("port", ["0", "-1", "65536", "99999", "http"])
def test_what_is_no_port_is_refused(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main([f"--port={port}"])
    assert f"{port} is no port: give a number from 1 to 65535" in capsys.readouterr().err
