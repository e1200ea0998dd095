/*
 * Text to syntax tree, statement by statement. A statement ends with its line; after an error the
 * parser goes on with the next line, so one run reports all errors.
 *
 *   provider "NAME"
 *   include "FILE"                       FILE may be a pattern: conf.d/ *.wfp
 *   $NAME = VALUE | { VALUE, … }
 *   sublayer "NAME" [weight N] [key GUID] [{ rules }]
 *   [boot] [hard|soft] permit|block|hold|callout NAME  LAYER  clauses…
 */
#ifndef OPENWFP_POLICY_PARSER_H
#define OPENWFP_POLICY_PARSER_H

#include "src/wfp/policy/ast.h"
#include "src/wfp/policy/lexer.h"

struct environment;

enum statement { STATEMENT_PROVIDER, STATEMENT_SUBLAYER, STATEMENT_INCLUDE, STATEMENT_RULE };

#define PARSER_MAX_INCLUDES 8 /* nested */
#define PARSER_MAX_VALUES   2000000u

struct variable {
    const char *name;
    const struct value *values;
    const struct variable *next;
};

struct parser {
    struct arena *arena;
    struct report *report;
    const struct environment *environment;
    struct policy *policy;
    struct policy_sublayer *sublayer; /* rules go here; NULL: the policy's own */
    struct policy_sublayer *last_sublayer;
    const struct variable *variables;
    struct lexer lexer;
    struct token token; /* the one to look at next */
    uint32_t end;       /* where the token before it ended */
    unsigned depth;     /* of includes */
    unsigned *values;   /* read so far, in all files */
};

/* Reads a source into the policy (which it adds to). Errors go to the report. */
void parser_run(struct arena *arena, struct report *report, const struct environment *environment,
                const struct source *source, struct policy *policy);

/* For the parser's own files. */
void parser_advance(struct parser *parser);
bool parser_at(const struct parser *parser, enum token_kind kind);
bool parser_at_line_end(const struct parser *parser);
void parser_skip_line_ends(struct parser *parser);
const char *parser_describe(struct parser *parser); /* the next token, for "expected x, not y" */
void parser_expected(struct parser *parser, const char *what, const char *hint);
bool parser_variable(struct parser *parser); /* $NAME = … */
/* What a value must be, and the hint (or NULL) where none stands. */
const struct value *parser_one_value(struct parser *parser, const char *what, const char *like);
const struct value *parser_values(struct parser *parser, const char *what, const char *like);
struct rule *parser_rule(struct parser *parser);

#endif
