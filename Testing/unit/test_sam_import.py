"""segment-anything is imported wherever torchvision is whole, and where its operators are missing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

LIBRARY = Path(__file__).parents[2] / "SAMRegistration"
TORCHVISION = """
import torch
if {broken}:
    torch.library.register_fake("torchvision::nms", lambda *arguments: None)
"""
PROBE = """
from SAMRegistrationLib.segmentation.sam_import import segment_anything
package = segment_anything()
print(package.modeling.ANSWER, hasattr(package, "declared_torchvision_operators"))
"""


def imported(folder, torchvision):
    for name, text in (
        ("torchvision", torchvision),
        ("segment_anything", "import torchvision"),
        ("segment_anything/modeling", "ANSWER = 42"),
    ):
        if text is not None:
            (folder / name).mkdir()
            (folder / name / "__init__.py").write_text(text)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), str(LIBRARY)])}
    return subprocess.run([sys.executable, "-c", PROBE], env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(("broken", "declared"), [(True, "True"), (False, "False")])
def test_operators_are_declared_only_where_torchvision_lacks_them(tmp_path, broken, declared):
    result = imported(tmp_path, TORCHVISION.format(broken=broken))
    assert result.stdout.split() == ["42", declared], result.stderr


def test_another_failure_of_torchvision_is_not_hidden(tmp_path):
    result = imported(tmp_path, "raise RuntimeError('the disk is on fire')")
    assert result.returncode != 0
    assert "the disk is on fire" in result.stderr


def test_the_installed_package_offers_sams_prompt_encoder_and_mask_decoder():
    from SAMRegistrationLib.segmentation.sam_import import segment_anything

    modeling = segment_anything().modeling
    assert modeling.PromptEncoder.__name__ == "PromptEncoder"
    assert modeling.MaskDecoder.__name__ == "MaskDecoder"
