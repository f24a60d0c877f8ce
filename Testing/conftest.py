"""The files with the longest tests come first, so that processes that share the files end at about the same time."""

LONGEST = (
    "test_module_whole_way.py",
    "test_extension_installed.py",
    "test_training.py",
    "test_register_prompts.py",
    "test_sample_data.py",
    "test_compact_training.py",
    "test_compact_model.py",
    "test_module_scenes.py",
    "test_module_training.py",
)


def pytest_collection_modifyitems(items):
    ranks = {name: rank for rank, name in enumerate(LONGEST)}
    items.sort(key=lambda item: ranks.get(item.path.name, len(LONGEST)))
