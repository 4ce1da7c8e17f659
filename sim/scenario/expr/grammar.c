/* The grammar of expressions, for people: REFERENCE.md and `paddock-sim help expressions` print it. The parser
 * (expr_parse.c) is written by hand. */
#include "sim/scenario/expr/expr.h"

/* clang-format off: a row a rule */
const char expr_grammar[] =
    "expr       = and { \"or\" and }\n"
    "and        = not { \"and\" not }\n"
    "not        = \"not\" not | comparison | subset\n"
    "comparison = state ( \"==\" | \"!=\" ) state                       one is state(...), the "
    "other reference.state(...) of the same target\n"
    "           | sum [ ( \"==\" | \"!=\" | \"<\" | \"<=\" | \">\" | \">=\" ) sum [ \"within\" sum "
    "] | \"in\" \"[\" sum { \",\" sum } \"]\" ]\n"
    "sum        = product { ( \"+\" | \"-\" ) product }\n"
    "product    = unary { ( \"*\" | \"/\" ) unary }\n"
    "unary      = \"-\" unary | primary\n"
    "primary    = literal | name | call | \"(\" expr \")\" | \"${\" expr \"}\"\n"
    "call       = ( \"exists\" | \"none\" ) \"(\" over \")\"                a condition is needed: "
    "where, \":\" or both\n"
    "           | \"all\"   \"(\" over \")\"                              \":\" is needed\n"
    "           | \"count\" \"(\" collection [ \"as\" name ] [ \"where\" expr ] \")\"\n"
    "           | ( \"sum\" | \"min\" | \"max\" | \"distinct\" ) \"(\" expr [ \"where\" expr ] "
    "\")\"      one collection's field inside\n"
    "           | ( \"min\" | \"max\" ) \"(\" expr \",\" expr { \",\" expr } \")\"\n"
    "           | \"age\" \"(\" expr \")\" | \"known\" \"(\" expr \")\" | \"rate\" \"(\" counter "
    "\",\" expr \")\" | \"time\" \"(\" step's name \")\"\n"
    "subset     = set \"subset\" \"of\" ( set | \"[\" sum { \",\" sum } \"]\" )    what is unknown "
    "belongs to no set\n"
    "set        = \"values\" \"(\" collection \".\" field [ \"where\" expr ] \")\"\n"
    "state      = ( \"state\" | \"reference.state\" ) \"(\" target \")\"    an API such as api/a "
    "or api/edge[0], or all\n"
    "over       = collection [ \"as\" name ] [ \"where\" expr ] [ \":\" expr ]\n"
    "literal    = 5 | 0.25 | 10% | 1m30s | 8GiB | true | false | 'text' | \"text\"\n"
    "name       = word { \".\" ( word | quoted ) };  a word may hold - and / without blanks around "
    "them: site/a, power-loss\n";
/* clang-format on */
