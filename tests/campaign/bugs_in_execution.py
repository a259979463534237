"""Bugs that are planted where calls are sent, waited for and found again after a crash."""

from __future__ import annotations

from tests.campaign.planting import Plant

SETTLE = "execution.settle:"
SENDING = "execution.sending:"
EXECUTOR = "execution.executor:"

IN_EXECUTION = (
    Plant(
        name="no lock",
        breaks="steps of one server and one volume run at once",
        where=EXECUTOR + "_Execution.perform",
        swaps=(("for name in step.locks:", "for name in ():"),),
    ),
    Plant(
        name="locks without servers",
        breaks="two volumes of one server change at once",
        where="planning.schedule:locks",
        swaps=(('{f"server:{key.server_id}" for key in keys} | ', ""),),
    ),
    Plant(
        name="locks without volumes",
        breaks="one shared volume changes on two servers at once",
        where="planning.schedule:locks",
        swaps=((' | {f"volume:{k.volume_id}" for k in keys}', ""),),
    ),
    Plant(
        name="needs that failed are ignored",
        breaks="a volume is attached though it didn't leave its old server",
        where=EXECUTOR + "_Execution._unready",
        swaps=(("if before.verdict is not Verdict.DONE:", "if False:"),),
    ),
    Plant(
        name="no put-back",
        breaks="a volume whose move failed stays on no server, and nobody is told",
        where=EXECUTOR + "_Execution._returned",
        swaps=(("if lost and left.verdict is Verdict.DONE:", "if False:"),),
    ),
    Plant(
        name="put back what is unknown",
        breaks="a volume is put back while its attach may be under way",
        where=EXECUTOR + "_Execution._returned",
        swaps=(("{Verdict.REFUSED, Verdict.FAILED}", "set(Verdict) - {Verdict.DONE}"),),
    ),
    Plant(
        name="intent after the request",
        breaks="a crash forgets what was sent",
        where=SENDING + "Sender._sent",
        swaps=(
            (
                "intent_id = await",
                "receipt = await run.settling.provider.submit(call)\n    intent_id = await",
            ),
            (")\n    receipt = await run.settling.provider.submit(call)\n", ")\n"),
        ),
    ),
    Plant(
        name="one line of a group is written",
        breaks="what is written at once with another line is forgotten",
        where="execution.ledger:Ledger._gathered",
        swaps=(
            (
                "return together(waiting)",
                "return [*together(waiting[:1]), *(1 for _ in waiting[1:])]",
            ),
        ),
    ),
    Plant(
        name="nobody waits for the journal",
        breaks="a request may leave before its intent is durable",
        where="execution.ledger:Ledger._written",
        swaps=(("result = (await asyncio.shield(group))[place]", "return 1"),),
    ),
    Plant(
        name="handle not journalled",
        breaks="a crash forgets which job to ask",
        where=SENDING + "Sender._ended",
        swaps=(("if receipt.handle is not None:", "if False:"),),
    ),
    Plant(
        name="verdict not journalled",
        breaks="every call stays open for ever",
        where=SENDING + "Sender._ended",
        swaps=(("await self._ledger.end(intent_id, outcomes)", "pass"),),
    ),
    Plant(
        name="ambiguous = success",
        breaks="a lost answer counts as done",
        where=SENDING + "Sender._ended",
        swaps=(
            (
                "    else:\n        outcomes = await settle",
                (
                    "    elif receipt.answer is Answer.UNKNOWN:\n"
                    "        outcomes = dict.fromkeys(call.keys, Outcome(verdict=Verdict.DONE))\n"
                    "    else:\n        outcomes = await settle"
                ),
            ),
        ),
    ),
    Plant(
        name="ambiguous = failure",
        breaks="a lost answer counts as failed, and is sent again at once",
        where=SENDING + "Sender._ended",
        swaps=(
            (
                "    else:\n        outcomes = await settle",
                (
                    "    elif receipt.answer is Answer.UNKNOWN:\n"
                    "        outcomes = dict.fromkeys(call.keys, Outcome(verdict=Verdict.FAILED))\n"
                    "    else:\n        outcomes = await settle"
                ),
            ),
        ),
    ),
    Plant(
        name="ambiguous = refused",
        breaks="a lost answer counts as nothing happened",
        where="providers.http:HttpProvider.written",
        swaps=(("_receipt(Answer.UNKNOWN, error)", "_receipt(Answer.REFUSED, error)"),),
    ),
    Plant(
        name="ambiguous = busy",
        breaks="a call whose answer was lost is sent again without a look",
        where="providers.http:HttpProvider.written",
        swaps=(("_receipt(Answer.UNKNOWN, error)", "_receipt(Answer.BUSY, error)"),),
    ),
    Plant(
        name="blind retry",
        breaks="a call without an answer is sent again whatever the views say",
        where=SENDING + "Sender.send",
        swaps=(
            (
                "if not silent or any(o.verdict is not Verdict.FAILED for o in outcomes.values()):",
                "if not silent:",
            ),
        ),
    ),
    Plant(
        name="any 400 = success",
        breaks="a refusal counts as done",
        where=SENDING + "_refusal",
        swaps=(("verdict=Verdict.REFUSED", "verdict=Verdict.DONE"),),
    ),
    Plant(
        name="a doubtful no = so already",
        breaks="a refusal whose words don't tell counts as done without a look",
        where=SENDING + "Sender._believed",
        swaps=(
            ("for key, there in seen.items()", "for key in call.keys"),
            ("if there is Picture.REACHED\n", "\n"),
        ),
    ),
    Plant(
        name="endless retries",
        breaks="a busy cloud is asked again and again",
        where="execution.retry:Backoff.delay_s",
        swaps=(("attempt >= self.attempts", "attempt >= 500"),),
    ),
    Plant(
        name="no wait between retries",
        breaks="a busy cloud is asked again at once",
        where=SENDING + "Sender._pause",
        swaps=(("clock = self", "return\n    clock = self"),),
        equivalent="how far apart the tries of one change are is no invariant: Retry-After still "
        "holds the scope back, and the number of tries is the same",
    ),
    Plant(
        name="trust job SUCCESS",
        breaks="a job that says SUCCESS counts as done without a look",
        where=SETTLE + "_followed",
        swaps=(
            (
                "    waiting = {",
                (
                    "    if job is not None and job.state is JobState.SUCCEEDED:\n"
                    "        return dict.fromkeys(call.keys, Outcome(verdict=Verdict.DONE))\n"
                    "    waiting = {"
                ),
            ),
        ),
    ),
    Plant(
        name="job 404 = success",
        breaks="a job that is gone counts as done",
        where=SETTLE + "_followed",
        swaps=(
            (
                "    waiting = {",
                (
                    "    if job is not None and job.state is JobState.GONE:\n"
                    "        return dict.fromkeys(call.keys, Outcome(verdict=Verdict.DONE))\n"
                    "    waiting = {"
                ),
            ),
        ),
    ),
    Plant(
        name="trust job FAIL",
        breaks="a job that says FAIL counts as failed without a look",
        where=SETTLE + "_followed",
        swaps=(
            (
                "    waiting = {",
                (
                    "    if job is not None and job.state is JobState.FAILED:\n"
                    "        return dict.fromkeys(call.keys, Outcome(verdict=Verdict.FAILED))\n"
                    "    waiting = {"
                ),
            ),
        ),
    ),
    Plant(
        name="INIT = failed",
        breaks="a job that hasn't begun counts as failed",
        where="providers.huawei_modelarts.conversations:_ended",
        swaps=(("JobState.RUNNING)", "JobState.FAILED)"),),
    ),
    Plant(
        name="no wait for proof",
        breaks="the first picture of before counts as failed",
        where=SETTLE + "_proof_s",
        swaps=(
            (
                "if part is not None and part.state is JobState.FAILED and",
                "return 0.0\n    if part is not None and part.state is JobState.FAILED and",
            ),
        ),
    ),
    Plant(
        name="motion isn't seen",
        breaks="a change under way counts as one that didn't happen",
        where=SETTLE + "picture",
        swaps=(("return Picture.MOVING\n", "pass\n"),),
    ),
    Plant(
        name="partial batch = success",
        breaks="one attachment that arrived speaks for its whole batch",
        where=SETTLE + "_judged",
        swaps=(
            (
                "    for key in settled:",
                (
                    "    if any(o.verdict is Verdict.DONE for o in settled.values()):\n"
                    "        settled = {k: Outcome(verdict=Verdict.DONE) for k in waiting}\n"
                    "    for key in settled:"
                ),
            ),
        ),
    ),
    Plant(
        name="incomplete look believed",
        breaks="a look that lost rows counts as gone",
        where=SETTLE + "_seen",
        swaps=(("return live if live.complete else None", "return live"),),
    ),
    Plant(
        name="gone at first sight",
        breaks="one look without the volume or server counts as detached",
        where=SETTLE + "_judged",
        swaps=(("held_s >= GONE_AFTER_S", "held_s >= 0"),),
        equivalent="no volume or server comes and goes in these worlds: what a look by id doesn't "
        "show was destroyed",
    ),
    Plant(
        name="overdue = done",
        breaks="what outlasts its deadline counts as done",
        where=SETTLE + "_overdue",
        swaps=(("verdict=Verdict.UNKNOWN", "verdict=Verdict.DONE"),),
    ),
    Plant(
        name="resume believes intents",
        breaks="what a dead run was about to send counts as done",
        where="execution.recovery:_settled",
        swaps=(
            (
                "outcomes = await settle(",
                (
                    "from reconciler.model.outcome import Outcome\n"
                    "    done = Outcome(verdict=Verdict.DONE)\n"
                    "    outcomes = dict.fromkeys(intent.call.keys, done) or await settle("
                ),
            ),
        ),
    ),
    Plant(
        name="resume forgets",
        breaks="what a dead run left in flight is planned anew",
        where="execution.recovery:adopt",
        swaps=(("if not intents:", "if True:"),),
    ),
)
