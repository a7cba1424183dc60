"""``w2vfast gradcheck``: the mathematics, verified here and now."""

import click

from w2vfast.commands import output
from w2vfast.commands.help import GroupedCommand
from w2vfast.commands.options import common_options
from w2vfast.errors import W2vfastError

_MOST_ERROR = 1e-6


@click.command(cls=GroupedCommand, essential="--dim --seed")
@click.option(
    "--dim", type=click.IntRange(1, 1000), default=5, show_default=True, help="Dimensions of the problem."
)
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Of the random vectors.")
@common_options
def gradcheck(dim: int, seed: int, quiet: bool) -> None:
    """Check every objective's gradients against finite differences.

    Prints objective, model, and the largest relative error of the gradients by W and by W_out, in double precision
    on a small random problem; then the errors of the two derivatives of the positive term that the literature has.

    \b
    w2vfast gradcheck
    w2vfast gradcheck --dim 50 --seed 7
    """
    from w2vfast.training.gradcheck import check_objectives, check_positive_term

    output.write(output.as_row(("objective", "model", "error_W", "error_W_out")))
    worst = 0.0
    for check in check_objectives(dim, seed):
        worst = max(worst, check.error, check.error_out)
        output.write(output.as_row((check.objective, check.model, f"{check.error:.1e}", f"{check.error_out:.1e}")))
    terms = check_positive_term()
    for name, error in terms.items():
        output.write(output.as_row((f"d/dx -log sigma(x) = {name}", "-", f"{error:.1e}", "-")))
    if not quiet:
        right = min(terms, key=lambda name: terms[name])
        click.echo(f"finite differences support {right} as the derivative of -log sigma(x)", err=True)
    if not worst < _MOST_ERROR:
        raise W2vfastError(f"a gradient is off by {worst:.1e}")
