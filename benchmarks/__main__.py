"""Run every benchmark: `python -m benchmarks`; ratios, since machines differ."""

from benchmarks import backprojection


def main() -> None:
    backprojection.main()


if __name__ == "__main__":
    main()
