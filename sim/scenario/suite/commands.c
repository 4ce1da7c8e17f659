/* The commands, and what they say of themselves. */
#include "sim/scenario/suite/options_internal.h"

#define COMMON_HELP                                                                                \
    "  -q, -v            less, more on the terminal\n"                                             \
    "  --color WHEN      auto, always or never (NO_COLOR is honoured)\n"                           \
    "  -h, --help        this text\n"

const struct command_row command_rows[COMMAND_COUNT] = {
    [COMMAND_HELP] = {"help", "this text; of one command, or of the language: help COMMAND|TOPIC",
                      NULL},
    [COMMAND_VERSION] = {"version", "the version", NULL},
    [COMMAND_RUN] =
        {"run", "run scenarios: of each, every case and profile, with its first seed",
         "usage: paddock-sim run FILE|DIR... [options]\n\n"
         "  --seed N             another seed than the file's first\n"
         "  --set NAME=VALUE     a parameter; may be repeated\n"
         "  --case ID=VALUE,...  only the cases of the matrix that agree\n"
         "                       point=N: one point of a fault that is at: each-write\n"
         "  --points K/N         of such points only every Nth, from the Kth on\n"
         "  --profile NAME       only compat, or only hardened\n"
         "  --policy NAME=VALUE  a single policy beside the profile; may be repeated\n"
         "  --until STEP|TIME    stop there; what is not decided by then is not judged\n"
         "  --jobs N             runs at a time, each in a process of its own (default:\n"
         "                       one for each core; with --log, one)\n"
         "  --shard I/N          only this share of the runs: each of N machines takes one\n"
         "  --out DIR            write report.html, report.json, junit.xml, runs.pack for\n"
         "                       merge, and of a failure trace.bin and repro.sh\n"
         "  --watch              run again whenever a file has changed, until interrupted\n"
         "  --trace              write trace.bin of every run\n"
         "  --format FORMAT      pretty, json, junit or sarif on standard output\n"
         "  --log LEVEL          the engine's log lines on standard error: error, warn,\n"
         "                       info or debug\n"
         "  --world WORLD        sim (the simulated one) or real: servers, agents and APIs\n"
         "                       as processes in network namespaces (as root)\n" COMMON_HELP},
    [COMMAND_SWEEP] =
        {"sweep", "run scenarios with many seeds, side by side",
         "usage: paddock-sim sweep FILE|DIR... [options]\n\n"
         "Each seed runs one case of the file's matrix, which the seed chooses, in each of\n"
         "the file's profiles. A failed run is told at once, with the command that repeats\n"
         "it alone, as are ten that fail alike; more of them, and passed ones, are counted.\n"
         "With -q all that fail alike have one line, at the end.\n\n"
         "  --seeds A..B         these seeds (default: the file's own)\n"
         "  --set NAME=V1,V2     a parameter; with several values, all runs with each of\n"
         "                       them; may be repeated for other parameters\n"
         "  --all-cases          each seed runs every case\n"
         "  --case ID=VALUE,...  only the cases of the matrix that agree\n"
         "  --profile NAME       only compat, or only hardened\n"
         "  --policy NAME=VALUE  a single policy beside the profile; may be repeated\n"
         "  --shard I/N          only this share of the runs: each of N machines takes one\n"
         "  --jobs N             runs at a time (default: one for each core)\n"
         "  --budget TIME        start no run after this time, such as 10m, and say how\n"
         "                       many were left\n"
         "  --out DIR            write summary.html, report.html, report.json, junit.xml,\n"
         "                       runs.pack for merge, and of failures trace.bin, repro.sh\n"
         "  --format FORMAT      pretty, json, junit or sarif on standard output\n" COMMON_HELP},
    [COMMAND_MERGE] =
        {"merge", "the reports of shards as one",
         "usage: paddock-sim merge DIR... [--out DIR] [--format FORMAT]\n\n"
         "Each DIR is what run or sweep wrote with --out; a folder of such folders will do.\n"
         "The exit status is that of the whole, as if it had run on one machine.\n\n"
         "  --out DIR            write summary.html, report.html, report.json, junit.xml,\n"
         "                       runs.pack\n"
         "  --format FORMAT      pretty, json, junit or sarif on standard output\n" COMMON_HELP},
    [COMMAND_VALIDATE] =
        {"validate", "check scenario files: every error at file:line:column",
         "usage: paddock-sim validate FILE|DIR... [options]\n\n"
         "  --format FORMAT      pretty (errors on standard error), or sarif on standard\n"
         "                       output for code hosts\n" COMMON_HELP},
    [COMMAND_LIST] = {"list", "scenarios with their purpose, tags and parameters",
                      "usage: paddock-sim list [FILE|DIR...] [options]\n\n"
                      "  --format FORMAT      pretty or json\n" COMMON_HELP},
    [COMMAND_EXPAND] =
        {"expand", "one run of a file, with templates and values put in",
         "usage: paddock-sim expand FILE [options]\n\n"
         "  --case ID=VALUE,...  the case (default: the first); point=N: one crash of a\n"
         "                       fault that is at: each-write, as a fault of its own\n"
         "  --profile NAME       compat or hardened (default: the file's first)\n"
         "  --seed N             another seed than the file's first\n"
         "  --set NAME=VALUE     a parameter; may be repeated\n\n"
         "The output is a scenario file that makes the same run.\n\n" COMMON_HELP},
    [COMMAND_SCHEMA] = {"schema", "the JSON Schema of scenario files, for editors",
                        "usage: paddock-sim schema\n\n" COMMON_HELP},
    [COMMAND_TRACE] =
        {"trace", "what a trace holds: as text, JSON lines, or for the Perfetto viewer",
         "usage: paddock-sim trace FILE [options]\n\n"
         "  --filter EXPR        only records for which it holds, such as\n"
         "                       'component=*/manager-? kind=tunnel.* time>=10m'\n"
         "                       (fields: time, component, kind, key, text; = and != take\n"
         "                       * and ?; and, or, not, parentheses; the kind of\n"
         "                       a note is the word after it: agent.connected)\n"
         "  --format FORMAT      text (default), json (an object a line) or "
         "perfetto\n" COMMON_HELP},
    [COMMAND_DIFF] =
        {"diff", "the first divergence of two traces, with what came before and after",
         "usage: paddock-sim diff TRACE1 TRACE2\n\n"
         "Exit status: 0 the same, 1 different, 2 a file that is no trace.\n" COMMON_HELP},
    [COMMAND_REPLAY] =
        {"replay", "run again and prove that the trace is the same; or look at the world at a time",
         "usage: paddock-sim replay DIR|FILE [options]\n\n"
         "DIR is what `run --out` or `sweep --out` wrote: its runs are run again and compared.\n"
         "FILE is a scenario: it is run twice.\n\n"
         "  --seed N, --case ID=VALUE,..., --profile NAME, --set NAME=VALUE,\n"
         "  --policy NAME=VALUE  which run, as for run\n"
         "  --at TIME|STEP       stop there and print the world as JSON; of a DIR the first\n"
         "                       run that failed\n"
         "  --objects            with every object of every API in full\n" COMMON_HELP},
    [COMMAND_SHRINK] =
        {"shrink", "reduce a failing run to the least that still fails the same way",
         "usage: paddock-sim shrink DIR|FILE [options]\n\n"
         "Writes a scenario file of its own that says of each line why it is left.\n\n"
         "  --seed N, --case ID=VALUE,..., --profile NAME, --set NAME=VALUE,\n"
         "  --policy NAME=VALUE  which run, as for run\n"
         "  --budget TIME        real time after which the best so far is written (2m)\n"
         "  --jobs N             runs at a time (default: one for each core)\n"
         "  --against PROGRAM    what is left has to pass with this one: a version before the\n"
         "                       bug; else it may fail for a simpler reason\n"
         "  --out FILE|DIR       where the file goes (default: beside what was "
         "given)\n" COMMON_HELP},
    [COMMAND_NEW] =
        {"new", "a commented scenario file to begin with",
         "usage: paddock-sim new NAME\n\n"
         "Writes scenarios/NAME/NAME.yaml, or the file NAME where it is a path or ends\n"
         "in .yaml. Nothing is overwritten. The file validates and runs green as it "
         "is.\n\n" COMMON_HELP},
    [COMMAND_APISERVER] =
        {"apiserver", "a simulated Kubernetes API on a real port, with TLS",
         "usage: paddock-sim apiserver [options]\n\n"
         "Prints `ready https://HOST:PORT` when it serves, and ends in order on SIGTERM.\n\n"
         "  --listen HOST:PORT   a numeric address (default 127.0.0.1:0: any free port)\n"
         "  --kubeconfig-out FILE\n"
         "                       write a kubeconfig with an administrator (a client\n"
         "                       certificate of group system:masters)\n"
         "  --bare               no controllers and no default service accounts: what a\n"
         "                       kube-apiserver does alone\n"
         "  --nodes N            fake nodes that run pods (default 1; not with --bare)\n"
         "  --stages FILE        what becomes of their pods, and when (YAML, stages: v1)\n"
         "  --cluster FILE       objects to start with: YAML documents or JSON\n"
         "  --crds DIR           definitions of custom resources to start with\n"
         "  --datastore STORE    memory (default)\n"
         "  --audit FILE         append an audit event of each request, a JSON line each\n"
         "  --record FILE        write the exchanges as a transcript when the server ends\n"
         "  --fault-listen HOST:PORT\n"
         "                       where the server can be told to lie: POST /faults\n"
         "  --log LEVEL          log lines on standard error: error, warn, info or "
         "debug\n" COMMON_HELP},
};

void options_help(enum command of, struct buf *out)
{
    if (of != COMMAND_HELP && command_rows[of].help) {
        buf_addf(out, "%s: %s\n", command_rows[of].name, command_rows[of].doc);
        buf_add_c(out, command_rows[of].help);
        return;
    }
    buf_add_c(out, "paddock-sim: runs scenarios of multi-cluster Kubernetes management in a "
                   "simulated world\n\nusage: paddock-sim COMMAND [options]\n\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        buf_addf(out, "  %-10s %s\n", command_rows[i].name, command_rows[i].doc);
    buf_add_c(out,
              "\n`paddock-sim COMMAND --help` tells more.\n"
              "`paddock-sim help TOPIC` tells of the language of scenarios: expressions, faults,\n"
              "targets, actions, policies, a section (topology, steps, assert, measure, chaos,\n"
              "traffic, ...), a family of faults (dns, net, ...), what expressions look into\n"
              "(agent, cluster, ...), or a single entry (palette, dns.set, ...).\n");
}
