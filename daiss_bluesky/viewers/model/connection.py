"""How a viewer is connected, as the dot and the banner of a window show it."""

from dataclasses import dataclass
from typing import Literal

State = Literal["connecting", "connected", "reconnecting", "refused"]
Lane = Literal["", "push", "polling", "pva"]


@dataclass(frozen=True, slots=True)
class Connection:
    """State of the line to the catalog, and of the lane pictures came by last."""

    state: State = "connecting"
    since_s: float = 0.0
    """Unix time of the change into this state."""
    source: Lane = ""
    last_message_s: float | None = None
    """Unix time anything came, by any lane; None before the first."""
    messages_per_s: float = 0.0
    """Over the last few seconds."""
    overtaken: int = 0
    """Pictures that a newer one replaced before a window took them."""
    message: str = ""
    """One sentence for a banner; empty when there is nothing to say."""

    def age_s(self, now_s: float) -> float | None:
        """Give the age of the last message."""
        if self.last_message_s is None:
            return None
        return max(0.0, now_s - self.last_message_s)
