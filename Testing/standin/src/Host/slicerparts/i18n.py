"""slicer.i18n: the interface of translations, with the texts as they are written."""

import os


def getContext(sourceFile: str) -> str:
    """The translation context of a source file: its name, after its package's where it lies in one."""
    folder, name = os.path.split(sourceFile)
    stem = os.path.splitext(name)[0]
    return f"{os.path.basename(folder)}.{stem}" if os.path.isfile(os.path.join(folder, "__init__.py")) else stem


def tr(text: str) -> str:
    return text


def translate(context: str, text: str) -> str:
    return text
