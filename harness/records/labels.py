"""What the label of a problem says: `everyday:n=2000,seed=0` is one of a drawn family, any other label is a name."""


def parameters_of(label: str) -> tuple[str, dict[str, str]]:
    """`name:key=value,...` as the name and its parameters; any other label is a name without."""
    name, _, text = label.partition(":")
    pairs = [part.partition("=") for part in text.split(",")]
    if not text or any(not (equals and key.isidentifier()) for key, equals, _ in pairs):
        return label, {}
    return name, {key: value for key, _, value in pairs}
