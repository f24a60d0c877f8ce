"""What to say where a package of the demonstration is missing; needs the standard library only."""


def sentence_for(error: ImportError) -> str:
    """What is missing or does not fit, and what to do."""
    try:
        from SAMRegistrationLib.environment import explain_import
    except ImportError:
        return "SAMRegistrationLib is not installed; run `make demo`, which installs it."
    return explain_import(error)
