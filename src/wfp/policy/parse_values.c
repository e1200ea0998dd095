/* Tokens, values, lists and variables: what statements are made of. */
#include <string.h>

#include "src/wfp/arena.h"
#include "src/wfp/policy/parser.h"
#include "src/wfp/policy/report.h"
#include "src/wfp/policy/words.h"

#define SHOWN_LENGTH 60u /* bytes of a token in a message */

void parser_advance(struct parser *parser)
{
    parser->end = parser->token.place.offset + parser->token.place.length;
    parser->token = lexer_next(&parser->lexer);
}

bool parser_at(const struct parser *parser, enum token_kind kind)
{
    return parser->token.kind == kind;
}

bool parser_at_line_end(const struct parser *parser)
{
    return parser_at(parser, TOKEN_LINE_END) || parser_at(parser, TOKEN_END) ||
           parser_at(parser, TOKEN_CLOSE);
}

const char *parser_describe(struct parser *parser)
{
    const struct token *token = &parser->token;
    uint32_t length = token->place.length < SHOWN_LENGTH ? token->place.length : SHOWN_LENGTH;
    switch (token->kind) {
    case TOKEN_LINE_END:
        return "the end of the line";
    case TOKEN_END:
        return "the end of the file";
    case TOKEN_VARIABLE:
        return arena_printf(parser->arena, "$%s", token->text);
    default:
        return arena_printf(parser->arena, "%.*s", (int)length,
                            token->place.source->text + token->place.offset);
    }
}

void parser_expected(struct parser *parser, const char *what, const char *hint)
{
    if (!parser_at(parser, TOKEN_BAD))
        report_error(parser->report, parser->token.place, hint, "expected %s, not %s", what,
                     parser_describe(parser));
}

/* NULL when the policy has more values than anyone needs: lists of lists grow fast. */
static struct value *value_make(struct parser *parser, struct place place, const char *text)
{
    if (++*parser->values > PARSER_MAX_VALUES) {
        report_error(parser->report, place, NULL, "the policy has more than %u values",
                     PARSER_MAX_VALUES);
        return NULL;
    }
    struct value *value = arena_alloc(parser->arena, sizeof(*value));
    value->place = place;
    value->text = text;
    return value;
}

static const struct variable *variable_find(const struct parser *parser, const char *name)
{
    const struct variable *variable = parser->variables;
    while (variable != NULL && strcmp(variable->name, name) != 0)
        variable = variable->next;
    return variable;
}

/* Adds copies of the variable's values, placed where they are used. */
static const struct value **append_variable(struct parser *parser, const struct value **tail)
{
    const struct token *token = &parser->token;
    const struct variable *variable = variable_find(parser, token->text);
    if (variable == NULL) {
        report_error(parser->report, token->place,
                     arena_printf(parser->arena, "write $%s = … above", token->text),
                     "$%s is not defined", token->text);
        return NULL;
    }
    if (variable->values == NULL)
        return NULL; /* its definition is wrong, which was reported there */
    for (const struct value *value = variable->values; value != NULL; value = value->next) {
        struct value *copy = value_make(parser, token->place, value->text);
        if (copy == NULL)
            return NULL;
        *tail = copy;
        tail = &copy->next;
    }
    parser_advance(parser);
    return tail;
}

/* One word, text or variable. Returns the list's new tail, NULL after an error. */
static const struct value **append_value(struct parser *parser, const struct value **tail,
                                         const char *what, const char *hint)
{
    if (parser_at(parser, TOKEN_VARIABLE))
        return append_variable(parser, tail);
    if (!parser_at(parser, TOKEN_WORD) && !parser_at(parser, TOKEN_STRING)) {
        parser_expected(parser, what, hint);
        return NULL;
    }
    struct value *value = value_make(parser, parser->token.place, parser->token.text);
    if (value == NULL)
        return NULL;
    *tail = value;
    parser_advance(parser);
    return &value->next;
}

void parser_skip_line_ends(struct parser *parser)
{
    while (parser_at(parser, TOKEN_LINE_END))
        parser_advance(parser);
}

/* After an error in a list: behind it, or at the next statement when nothing closes it. */
static const struct value *leave_list(struct parser *parser)
{
    while (!parser_at(parser, TOKEN_CLOSE) && !parser_at(parser, TOKEN_END)) {
        if (parser_at(parser, TOKEN_WORD) && word_find(words_statements, parser->token.text) >= 0)
            return NULL;
        parser_advance(parser);
    }
    if (parser_at(parser, TOKEN_CLOSE))
        parser_advance(parser);
    return NULL;
}

/* { VALUE, VALUE … }: over several lines if need be; a comma may stand before the brace. */
static const struct value *parse_list(struct parser *parser, const char *what)
{
    const struct value *values = NULL, **tail = &values;
    uint32_t line = parser->token.place.line;
    const char *hint =
        arena_printf(parser->arena, "the list opened on line %u is not closed", line);
    parser_advance(parser);
    for (;;) {
        parser_skip_line_ends(parser);
        if (parser_at(parser, TOKEN_CLOSE) && values != NULL)
            break;
        tail = append_value(parser, tail, what, parser_at(parser, TOKEN_END) ? hint : NULL);
        if (tail == NULL)
            return leave_list(parser);
        parser_skip_line_ends(parser);
        if (parser_at(parser, TOKEN_CLOSE))
            break;
        if (!parser_at(parser, TOKEN_COMMA)) {
            parser_expected(parser, "\",\" or \"}\"",
                            parser->token.place.line == line ? "write \",\" between values" : hint);
            return leave_list(parser);
        }
        parser_advance(parser);
    }
    parser_advance(parser);
    return values;
}

const struct value *parser_values(struct parser *parser, const char *what, const char *like)
{
    const struct value *values = NULL;
    if (parser_at(parser, TOKEN_OPEN))
        return parse_list(parser, what);
    return append_value(parser, &values, what, like) == NULL ? NULL : values;
}

const struct value *parser_one_value(struct parser *parser, const char *what, const char *like)
{
    struct place place = parser->token.place;
    const struct value *values = NULL;
    if (append_value(parser, &values, what, like) == NULL)
        return NULL;
    if (values->next != NULL) {
        report_error(parser->report, place, NULL, "expected %s, not a list", what);
        return NULL;
    }
    return values;
}

bool parser_variable(struct parser *parser)
{
    struct variable *variable = arena_alloc(parser->arena, sizeof(*variable));
    struct place place = parser->token.place;
    variable->name = parser->token.text;
    if (variable_find(parser, variable->name) != NULL) {
        report_error(parser->report, place, "use another name", "$%s is defined already",
                     variable->name);
        return false;
    }
    parser_advance(parser);
    if (!parser_at(parser, TOKEN_EQUALS)) {
        parser_expected(parser, "\"=\"", "a line that begins with $NAME defines it");
        return false;
    }
    parser_advance(parser);
    variable->values =
        parser_values(parser, "a value", "like $office = { 192.0.2.0/24, 2001:db8:1::/48 }");
    variable->next = parser->variables;
    parser->variables = variable;
    return variable->values != NULL;
}
