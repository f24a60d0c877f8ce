"""A network in training: its AdamW optimizer, the moving average of its weights, and their state to go on from."""

import copy
from typing import Any, Dict

import torch

Tensors = Dict[str, torch.Tensor]


class Optimization:
    """Network, optimizer and moving average, updated together.

    Args:
        network: on its device.
        groups: parameters, or groups of them as for AdamW; the learning rate of a group is `rate_share` times the
            whole (1 when it is not given).

    Attributes:
        network, average: the network, and a copy of it with the exponential moving average of its parameters.
    """

    def __init__(self, network: torch.nn.Module, groups, weight_decay: float):
        self.network, self.average = network, copy.deepcopy(network)
        self._optimizer = torch.optim.AdamW(groups, weight_decay=weight_decay)

    def clear_gradients(self) -> None:
        """Forget the gradients; parameters that get none before the next step are left as they are by it."""
        self._optimizer.zero_grad()

    def clip(self, largest: float) -> float:
        """Scale the gradient down to a norm of at most `largest`; returns the norm that it had."""
        return float(torch.nn.utils.clip_grad_norm_(self.network.parameters(), largest))

    def step(self, rate: float, decay: float) -> None:
        """Change the weights with this learning rate; their average keeps the share `decay` of what it was."""
        for group in self._optimizer.param_groups:
            group["lr"] = rate * group.get("rate_share", 1.0)
        self._optimizer.step()
        with torch.no_grad():
            for mean, now in zip(self.average.parameters(), self.network.parameters()):
                mean.lerp_(now, 1 - decay)

    def tensors(self) -> Tensors:
        """The state in tensors: weights ("network."), average ("ema.") and AdamW's moments ("moment1.", "moment2.")."""
        tensors = {f"network.{name}": tensor for name, tensor in self.network.state_dict().items()}
        tensors.update({f"ema.{name}": tensor for name, tensor in self.average.state_dict().items()})
        for name, parameter in self.network.named_parameters():
            moments = self._optimizer.state.get(parameter)
            if moments:
                tensors[f"moment1.{name}"] = moments["exp_avg"]
                tensors[f"moment2.{name}"] = moments["exp_avg_sq"]
        return tensors

    def load_tensors(self, tensors: Tensors, step: int) -> None:
        """Go on from what :meth:`tensors` gave after `step` steps.

        Raises:
            RuntimeError, KeyError: they are of another network.
        """
        self.network.load_state_dict(with_prefix(tensors, "network."))
        self.average.load_state_dict(with_prefix(tensors, "ema."))
        first, second = with_prefix(tensors, "moment1."), with_prefix(tensors, "moment2.")
        for name, parameter in self.network.named_parameters():
            self._optimizer.state[parameter] = {
                "step": torch.tensor(float(step)),
                "exp_avg": first[name].to(parameter),
                "exp_avg_sq": second[name].to(parameter),
            }

    def state(self, step: int) -> Dict[str, Any]:
        """The state after `step` steps as PyTorch's own dictionaries: "model", "averaged" and "optimizer"."""
        averaged = {f"module.{name}": tensor for name, tensor in self.average.state_dict().items()}
        return {
            "model": self.network.state_dict(),
            "averaged": {"n_averaged": torch.tensor(step), **averaged},
            "optimizer": self._optimizer.state_dict(),
        }

    def load_state(self, state: Dict[str, Any]) -> None:
        """Go on from what :meth:`state` gave.

        Raises:
            RuntimeError, KeyError, ValueError: it is of another network.
        """
        self.network.load_state_dict(state["model"])
        self.average.load_state_dict(with_prefix(state["averaged"], "module."))
        self._optimizer.load_state_dict(state["optimizer"])


def with_prefix(tensors: Tensors, prefix: str) -> Tensors:
    """The tensors whose names begin with a prefix, by the rest of their names."""
    return {name[len(prefix) :]: tensor for name, tensor in tensors.items() if name.startswith(prefix)}
