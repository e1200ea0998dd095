#include "src/wfp/policy/parser.h"

#include <string.h>

#include "src/wfp/arena.h"
#include "src/wfp/policy/environment.h"
#include "src/wfp/policy/report.h"
#include "src/wfp/policy/words.h"

static void parse_source(struct parser *parser, const struct source *source);

void parser_advance(struct parser *parser)
{
    parser->end = parser->token.place.offset + parser->token.place.length;
    parser->token = lexer_next(&parser->lexer);
}

static bool at(const struct parser *parser, enum token_kind kind)
{
    return parser->token.kind == kind;
}

bool parser_at_line_end(const struct parser *parser)
{
    return at(parser, TOKEN_LINE_END) || at(parser, TOKEN_END) || at(parser, TOKEN_CLOSE);
}

const char *parser_describe(struct parser *parser)
{
    const struct token *token = &parser->token;
    switch (token->kind) {
    case TOKEN_LINE_END:
        return "the end of the line";
    case TOKEN_END:
        return "the end of the file";
    case TOKEN_VARIABLE:
        return arena_printf(parser->arena, "$%s", token->text);
    default:
        return arena_printf(parser->arena, "%.*s", (int)(token->place.length & 0xff),
                            token->place.source->text + token->place.offset);
    }
}

static void expected(struct parser *parser, const char *what, const char *hint)
{
    if (!at(parser, TOKEN_BAD))
        report_error(parser->report, parser->token.place, hint, "expected %s, not %s", what,
                     parser_describe(parser));
}

static void skip_line(struct parser *parser)
{
    while (!at(parser, TOKEN_LINE_END) && !at(parser, TOKEN_END))
        parser_advance(parser);
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
    if (at(parser, TOKEN_VARIABLE))
        return append_variable(parser, tail);
    if (!at(parser, TOKEN_WORD) && !at(parser, TOKEN_STRING)) {
        expected(parser, what, hint);
        return NULL;
    }
    struct value *value = value_make(parser, parser->token.place, parser->token.text);
    if (value == NULL)
        return NULL;
    *tail = value;
    parser_advance(parser);
    return &value->next;
}

static void skip_line_ends(struct parser *parser)
{
    while (at(parser, TOKEN_LINE_END))
        parser_advance(parser);
}

/* After an error in a list: behind it, or at the next statement when nothing closes it. */
static const struct value *leave_list(struct parser *parser)
{
    while (!at(parser, TOKEN_CLOSE) && !at(parser, TOKEN_END)) {
        if (at(parser, TOKEN_WORD) && word_find(words_statements, parser->token.text) >= 0)
            return NULL;
        parser_advance(parser);
    }
    if (at(parser, TOKEN_CLOSE))
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
        skip_line_ends(parser);
        if (at(parser, TOKEN_CLOSE) && values != NULL)
            break;
        tail = append_value(parser, tail, what, at(parser, TOKEN_END) ? hint : NULL);
        if (tail == NULL)
            return leave_list(parser);
        skip_line_ends(parser);
        if (at(parser, TOKEN_CLOSE))
            break;
        if (!at(parser, TOKEN_COMMA)) {
            expected(parser, "\",\" or \"}\"",
                     parser->token.place.line == line ? "write \",\" between values" : hint);
            return leave_list(parser);
        }
        parser_advance(parser);
    }
    parser_advance(parser);
    return values;
}

const struct value *parser_values(struct parser *parser, const char *what)
{
    const struct value *values = NULL;
    if (at(parser, TOKEN_OPEN))
        return parse_list(parser, what);
    return append_value(parser, &values, what, NULL) == NULL ? NULL : values;
}

const struct value *parser_one_value(struct parser *parser, const char *what)
{
    struct place place = parser->token.place;
    const struct value *values = NULL;
    if (append_value(parser, &values, what, NULL) == NULL)
        return NULL;
    if (values->next != NULL) {
        report_error(parser->report, place, NULL, "expected %s, not a list", what);
        return NULL;
    }
    return values;
}

static bool parse_variable(struct parser *parser)
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
    if (!at(parser, TOKEN_EQUALS)) {
        expected(parser, "\"=\"", "a line that begins with $NAME defines it");
        return false;
    }
    parser_advance(parser);
    variable->values = parser_values(parser, "a value");
    variable->next = parser->variables;
    parser->variables = variable;
    return variable->values != NULL;
}

static bool parse_provider(struct parser *parser)
{
    struct place place = parser->token.place;
    parser_advance(parser);
    const struct value *name = parser_one_value(parser, "a name");
    if (name == NULL)
        return false;
    if (parser->policy->name_place.source != NULL) {
        report_error(parser->report, place, "a policy has one provider line",
                     "the policy is named \"%s\" already", parser->policy->name);
        return false;
    }
    if (name->text[0] == '\0') {
        report_error(parser->report, name->place, NULL, "a name can't be empty");
        return false;
    }
    parser->policy->name = name->text;
    parser->policy->name_place = place;
    return true;
}

static struct policy_sublayer *sublayer_get(struct parser *parser, struct place place,
                                            const char *name)
{
    for (struct policy_sublayer *s = parser->policy->sublayers; s != NULL; s = s->next) {
        if (strcmp(s->name, name) == 0)
            return s;
    }
    struct policy_sublayer *sublayer = arena_alloc(parser->arena, sizeof(*sublayer));
    sublayer->place = place;
    sublayer->name = name;
    if (parser->last_sublayer != NULL)
        parser->last_sublayer->next = sublayer;
    else
        parser->policy->sublayers = sublayer;
    parser->last_sublayer = sublayer;
    return sublayer;
}

static bool set_option(struct parser *parser, struct policy_sublayer *sublayer,
                       const struct value **option, const char *what)
{
    struct place place = parser->token.place;
    parser_advance(parser);
    const struct value *value = parser_one_value(parser, arena_printf(parser->arena, "a %s", what));
    if (value == NULL)
        return false;
    if (*option != NULL && strcmp((*option)->text, value->text) != 0) {
        report_error(parser->report, place, "give it once", "sublayer \"%s\" has the %s %s already",
                     sublayer->name, what, (*option)->text);
        return false;
    }
    *option = value;
    return true;
}

static bool parse_sublayer_options(struct parser *parser, struct policy_sublayer *sublayer)
{
    bool good = true;
    while (good && at(parser, TOKEN_WORD)) {
        if (strcmp(parser->token.text, "weight") == 0) {
            good = set_option(parser, sublayer, &sublayer->weight, "weight");
        } else if (strcmp(parser->token.text, "key") == 0) {
            good = set_option(parser, sublayer, &sublayer->key, "key");
        } else {
            expected(parser, "weight, key, \"{\" or the end of the line", NULL);
            good = false;
        }
    }
    return good;
}

static bool add_rule(struct parser *parser)
{
    struct policy_sublayer *sublayer = parser->sublayer;
    struct rule *rule = parser_rule(parser);
    if (rule == NULL)
        return false;
    if (sublayer == NULL)
        sublayer = sublayer_get(parser, rule->place, parser->policy->name);
    if (sublayer->last != NULL)
        sublayer->last->next = rule;
    else
        sublayer->first = rule;
    sublayer->last = rule;
    return true;
}

/* What may stand behind a statement is its line's end. */
static void finish_line(struct parser *parser)
{
    if (!parser_at_line_end(parser))
        expected(parser, "the end of the line", NULL);
    if (!at(parser, TOKEN_CLOSE))
        skip_line(parser);
}

static bool parse_block_line(struct parser *parser)
{
    if (at(parser, TOKEN_WORD) && word_find(words_statements, parser->token.text) == STATEMENT_RULE)
        return add_rule(parser);
    if (at(parser, TOKEN_VARIABLE))
        return parse_variable(parser);
    expected(parser, "a rule or \"}\"",
             at(parser, TOKEN_WORD) ? word_hint(parser->arena, words_statements, parser->token.text)
                                    : NULL);
    return false;
}

static bool parse_block(struct parser *parser, const struct place *opened)
{
    parser_advance(parser);
    while (!report_full(parser->report)) {
        skip_line_ends(parser);
        if (at(parser, TOKEN_CLOSE)) {
            parser_advance(parser);
            return true;
        }
        if (at(parser, TOKEN_END)) {
            report_error(parser->report, *opened, "close it with \"}\"",
                         "the sublayer's \"{\" is not closed");
            return false;
        }
        if (!parse_block_line(parser))
            skip_line(parser);
        finish_line(parser);
    }
    return false;
}

static bool parse_sublayer(struct parser *parser)
{
    parser_advance(parser);
    const struct value *name = parser_one_value(parser, "a name");
    if (name == NULL)
        return false;
    if (name->text[0] == '\0') {
        report_error(parser->report, name->place, NULL, "a name can't be empty");
        return false;
    }
    struct policy_sublayer *before = parser->sublayer;
    parser->sublayer = sublayer_get(parser, name->place, name->text);
    if (!parse_sublayer_options(parser, parser->sublayer))
        return false;
    if (!at(parser, TOKEN_OPEN))
        return true;
    struct place opened = parser->token.place;
    bool good = parse_block(parser, &opened);
    parser->sublayer = before;
    return good;
}

static bool is_being_read(const struct parser *parser, const char *path)
{
    const struct source *source = parser->lexer.source;
    while (source != NULL && strcmp(source->name, path) != 0)
        source = source->includer;
    return source != NULL;
}

static void include_file(struct parser *parser, const struct place *place, const char *path)
{
    if (is_being_read(parser, path)) {
        report_error(parser->report, *place, NULL, "%s includes itself", path);
        return;
    }
    struct source *source = arena_alloc(parser->arena, sizeof(*source));
    source->name = path;
    source->includer = parser->lexer.source;
    int error = parser->environment->read(parser->environment->ctx, parser->arena, path,
                                          &source->text, &source->length);
    if (error != 0) {
        report_error(parser->report, *place, NULL, "can't read %s: %s", path, strerror(-error));
        return;
    }
    struct parser inner = *parser;
    inner.depth++;
    parse_source(&inner, source);
    parser->variables = inner.variables;
    parser->last_sublayer = inner.last_sublayer;
}

/* Paths are relative to the file that names them. */
static const char *beside(struct parser *parser, const char *path)
{
    const char *name = parser->lexer.source->name;
    const char *slash = strrchr(name, '/');
    if (path[0] == '/' || slash == NULL)
        return path;
    return arena_printf(parser->arena, "%.*s/%s", (int)(slash - name), name, path);
}

static bool parse_include(struct parser *parser)
{
    parser_advance(parser);
    const struct value *value = parser_one_value(parser, "a file");
    if (value == NULL)
        return false;
    if (parser->depth >= PARSER_MAX_INCLUDES) {
        report_error(parser->report, value->place, NULL,
                     "files include each other more than %d deep", PARSER_MAX_INCLUDES);
        return false;
    }
    const char *path = beside(parser, value->text);
    if (strpbrk(path, "*?[") == NULL) {
        include_file(parser, &value->place, path);
        return true;
    }
    const struct path *found =
        parser->environment->match(parser->environment->ctx, parser->arena, path);
    for (; found != NULL && !report_full(parser->report); found = found->next)
        include_file(parser, &value->place, found->text);
    return true;
}

static bool parse_statement(struct parser *parser)
{
    if (at(parser, TOKEN_VARIABLE))
        return parse_variable(parser);
    int statement = at(parser, TOKEN_WORD) ? word_find(words_statements, parser->token.text) : -1;
    switch (statement) {
    case STATEMENT_PROVIDER:
        return parse_provider(parser);
    case STATEMENT_SUBLAYER:
        return parse_sublayer(parser);
    case STATEMENT_INCLUDE:
        return parse_include(parser);
    case STATEMENT_RULE:
        return add_rule(parser);
    default:
        expected(parser, "a rule, sublayer, provider, include or $NAME",
                 at(parser, TOKEN_WORD)
                     ? word_hint(parser->arena, words_statements, parser->token.text)
                     : NULL);
        return false;
    }
}

static void parse_source(struct parser *parser, const struct source *source)
{
    if (!source_check(source, parser->report))
        return;
    lexer_start(&parser->lexer, parser->arena, parser->report, source);
    parser_advance(parser);
    for (;;) {
        skip_line_ends(parser);
        if (at(parser, TOKEN_END) || report_full(parser->report))
            return;
        if (!parse_statement(parser))
            skip_line(parser);
        finish_line(parser);
        if (at(parser, TOKEN_CLOSE)) {
            expected(parser, "a statement", "there is no \"{\" before it");
            skip_line(parser);
        }
    }
}

void parser_run(struct arena *arena, struct report *report, const struct environment *environment,
                const struct source *source, struct policy *policy)
{
    unsigned values = 0;
    struct parser parser = {.arena = arena,
                            .report = report,
                            .environment = environment,
                            .policy = policy,
                            .values = &values};
    parse_source(&parser, source);
}
