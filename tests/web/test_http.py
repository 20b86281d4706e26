"""Errors as answers of HTTP: what the server keeps is its own matter, and its places are told to nobody."""

from __future__ import annotations

import json
import logging

import pytest

from accord.base.errors import DataError, UsageError
from accord.web.http import of_accord_error


def test_what_the_server_keeps_is_not_the_senders_fault(caplog: pytest.LogCaptureFixture) -> None:
    found = DataError("a symbolic link where a job's folder should be", where="/srv/kept/jobs/1", hint="remove it")
    with caplog.at_level(logging.ERROR):
        response = of_accord_error(found)
    assert response.status_code == 503
    assert json.loads(bytes(response.body))["error"] == {
        "what": found.what, "where": None, "hint": "remove it", "exit_code": 3
    }  # fmt: skip
    assert "/srv/kept/jobs/1" in caplog.text


def test_what_was_sent_is(caplog: pytest.LogCaptureFixture) -> None:
    response = of_accord_error(UsageError("two files have one name", where="files", hint="give each its own"))
    assert response.status_code == 422
    assert json.loads(bytes(response.body))["error"]["where"] == "files"
    assert caplog.text == ""
