#include "src/wfp/policy/parser.h"

#include <string.h>

#include "src/wfp/arena.h"
#include "src/wfp/policy/environment.h"
#include "src/wfp/policy/hints.h"
#include "src/wfp/policy/report.h"
#include "src/wfp/policy/words.h"

static void parse_source(struct parser *parser, const struct source *source);

static void skip_line(struct parser *parser)
{
    while (!parser_at(parser, TOKEN_LINE_END) && !parser_at(parser, TOKEN_END))
        parser_advance(parser);
}

static bool parse_provider(struct parser *parser)
{
    struct place place = parser->token.place;
    parser_advance(parser);
    const struct value *name = parser_one_value(parser, "a name", NULL);
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
    const struct value *value =
        parser_one_value(parser, arena_printf(parser->arena, "a %s", what), NULL);
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
    while (good && parser_at(parser, TOKEN_WORD)) {
        if (strcmp(parser->token.text, "weight") == 0) {
            good = set_option(parser, sublayer, &sublayer->weight, "weight");
        } else if (strcmp(parser->token.text, "key") == 0) {
            good = set_option(parser, sublayer, &sublayer->key, "key");
        } else {
            parser_expected(parser, "weight, key, \"{\" or the end of the line", NULL);
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
        parser_expected(parser, "the end of the line", hint_rest(parser));
    if (!parser_at(parser, TOKEN_CLOSE))
        skip_line(parser);
}

static bool parse_block_line(struct parser *parser)
{
    if (parser_at(parser, TOKEN_WORD) &&
        word_find(words_statements, parser->token.text) == STATEMENT_RULE)
        return add_rule(parser);
    if (parser_at(parser, TOKEN_VARIABLE))
        return parser_variable(parser);
    parser_expected(parser, "a rule or \"}\"", hint_statement(parser));
    return false;
}

static bool parse_block(struct parser *parser, const struct place *opened)
{
    parser_advance(parser);
    while (!report_full(parser->report)) {
        parser_skip_line_ends(parser);
        if (parser_at(parser, TOKEN_CLOSE)) {
            parser_advance(parser);
            return true;
        }
        if (parser_at(parser, TOKEN_END)) {
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
    const struct value *name = parser_one_value(parser, "a name", NULL);
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
    if (!parser_at(parser, TOKEN_OPEN))
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
        report_error(parser->report, *place, "a path is relative to the file that it stands in",
                     "can't read %s: %s", path, strerror(-error));
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
    const struct value *value = parser_one_value(parser, "a file", NULL);
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
    if (parser_at(parser, TOKEN_VARIABLE))
        return parser_variable(parser);
    int statement =
        parser_at(parser, TOKEN_WORD) ? word_find(words_statements, parser->token.text) : -1;
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
        parser_expected(parser, "a rule, sublayer, provider, include or $NAME",
                        hint_statement(parser));
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
        parser_skip_line_ends(parser);
        if (parser_at(parser, TOKEN_END) || report_full(parser->report))
            return;
        if (!parse_statement(parser))
            skip_line(parser);
        finish_line(parser);
        if (parser_at(parser, TOKEN_CLOSE)) {
            parser_expected(parser, "a statement", "there is no \"{\" before it");
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
