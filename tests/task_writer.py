"""Does made-up tasks as an executor does, and tells who is seen to have done them."""

from pipeline.layout import Layout
from pipeline.parts import Output
from pipeline.receipts import fold_receipts, iter_receipts, iter_short, read_receipts, write_receipt
from pipeline.tasks import Receipt, Stage, State, Task

PARTITION = "snapshot=S"


class Executor:
    """Does tasks by storing a part for each, which tells who did it."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout

    def task(self, n: int, partition: str = PARTITION) -> Task:
        return Task(Stage.CAPTURE, f"label {n}", partition, (str(n),), ("1",))

    def receipt(self, task: Task, who: str = "me", state: State = State.DONE) -> Receipt:
        """What `who` has done of a task: a part is there, and the receipt is not stored yet."""
        data = f"part of {task.task_id} by {who}".encode()
        path = f"{self.layout.part('captures', task.partition, task.task_id)}-{who}.parquet"
        self.layout.published.replace(path, data)
        outputs = () if state is State.FAILED else (Output("captures", path, 1, len(data)),)
        missing = ("gone.warc.gz",) if state is State.PARTIAL else ()
        return Receipt(
            task.task_id, task.stage, task.label, task.partition, state, outputs, missing=missing, error=who
        )

    def write(self, task: Task, who: str = "me", state: State = State.DONE) -> Receipt:
        return write_receipt(self.layout, self.receipt(task, who, state))

    def write_many(self, n: int, first: int = 0) -> list[Task]:
        tasks = [self.task(i) for i in range(first, first + n)]
        for task in tasks:
            self.write(task)
        return tasks

    def fold(self, partition: str = PARTITION) -> None:
        fold_receipts(self.layout, Stage.CAPTURE, partition)

    def lose(self, receipt: Receipt) -> None:
        """Remove what a receipt vouches for."""
        self.layout.published.remove(output.path for output in receipt.outputs)

    def who(self, *tasks: Task) -> list[str | None]:
        """Who has done the tasks, as far as it can be seen."""
        found = read_receipts(self.layout, tasks)
        return [receipt.error if receipt else None for receipt in map(found.get, (t.task_id for t in tasks))]

    def all(self) -> dict[str, str]:
        """Who has done what, of all tasks."""
        listed = list(iter_receipts(self.layout, Stage.CAPTURE))
        assert len({receipt.task_id for receipt in listed}) == len(listed)
        return {receipt.label: receipt.error for receipt in listed}

    def short(self) -> dict[str, State]:
        return {receipt.label: receipt.state for receipt in iter_short(self.layout, Stage.CAPTURE)}

    def files(self) -> list[str]:
        """The files of receipts: how each begins and ends."""
        names = [entry.name for entry in self.layout.published.iter_below("receipts")]
        ends = (name.rpartition("/")[2].partition(".")[2] for name in names)
        return sorted("folded" if "/folded/" in name else end for name, end in zip(names, ends, strict=True))
