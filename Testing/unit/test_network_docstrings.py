"""The examples in the docstrings are true."""

import doctest
import importlib

import pytest


@pytest.mark.parametrize("name", ["config", "model"])
def test_the_examples_in_the_docstrings_give_what_they_show(name):
    module = importlib.import_module(f"SAMRegistrationLib.network.{name}")
    results = doctest.testmod(module, raise_on_error=False)
    assert results.attempted > 0
    assert results.failed == 0
