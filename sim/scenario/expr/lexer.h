/* lexer: the tokens of an expression, one at a time: words, values with their units, marks. Whoever looks for ${...} in a
 * text finds its end with it. */
#ifndef PADDOCK_SIM_SCENARIO_EXPR_LEXER_H
#define PADDOCK_SIM_SCENARIO_EXPR_LEXER_H

#include "sim/scenario/expr/expr.h"

enum token_kind { TOKEN_END, TOKEN_WORD, TOKEN_VALUE, TOKEN_MARK, TOKEN_BAD };
struct token {
    enum token_kind kind;
    struct str text;         /* as written */
    struct expr_value value; /* VALUE */
    uint32_t offset;
    const char *problem; /* BAD */
};
struct lexer {
    struct str text;
    size_t at;
    struct arena *arena; /* for strings with doubled quotes */
};
struct token lexer_next(struct lexer *l);
/* Up to the closing parenthesis: time(step name with blanks). *closed: it was there. */
struct token lexer_raw(struct lexer *l, bool *closed);

#endif
