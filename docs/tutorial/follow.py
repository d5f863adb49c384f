"""Follow a running reconstruction in Tiled: a line for each new state of a slice."""

import time

from tiled.client import from_profile

root = from_profile("daiss")  # found through TILED_PROFILES


def newest():
    """Give the newest result, or None before there is one."""
    results = root["recon"].values() if "recon" in root else []
    return results.last() if len(results) else None


def show(update):
    """Print what came; runs in a thread of the subscription."""
    picture = update.data()
    print(f"slice {picture.shape}: {picture.min():.4f} to {picture.max():.4f}")


def can_be_followed(result):
    """Tell whether a result is under way and has its first picture's place."""
    running = result is not None and result.metadata["status"] == "running"
    return running and ("live", "slice_xy") in result


while not can_be_followed(result := newest()):
    time.sleep(0.1)
subscription = result["live", "slice_xy"].subscribe()
# Only a weak reference to the callback is kept: give a name that lives on, no lambda.
subscription.new_data.add_callback(show)
# From the first state on. Pictures above 1 MB would end the subscription silently.
subscription.start_in_thread(1, max_size=100_000_000)
while (result := newest()).metadata["status"] == "running":
    time.sleep(0.5)
subscription.disconnect()
print(result.metadata["status"], "volume", result["volume"].shape)
