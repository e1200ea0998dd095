/* [boot] [hard|soft] VERB LAYER clauses… */
#include <string.h>

#include "src/wfp/arena.h"
#include "src/wfp/policy/hints.h"
#include "src/wfp/policy/parser.h"
#include "src/wfp/policy/report.h"
#include "src/wfp/policy/words.h"

struct clause_syntax {
    const char *what; /* its value, for "expected …" */
    const char *like; /* the hint then, or NULL */
    bool one;         /* takes one value, never a list, and no "not" */
};

static const struct clause_syntax syntax[CLAUSE_KINDS] = {
    [CLAUSE_PROTOCOL] = {"a protocol", "like proto sctp or proto { tcp, udp }", false},
    [CLAUSE_APP] = {"a program's path", "like /usr/bin/curl", false},
    [CLAUSE_USER] = {"a user", "a name or a number", false},
    [CLAUSE_GROUP] = {"a group", "a name or a number", false},
    [CLAUSE_FROM] = {"an address", "like 10.0.0.1, 10.0.0.0/8, 10.0.0.1-10.0.0.9 or fd00::/8",
                     false},
    [CLAUSE_TO] = {"an address", "like 10.0.0.1, 10.0.0.0/8, 10.0.0.1-10.0.0.9 or fd00::/8", false},
    [CLAUSE_LOCAL_ADDRESS] = {"an address",
                              "like 10.0.0.1, 10.0.0.0/8, 10.0.0.1-10.0.0.9 or fd00::/8", false},
    [CLAUSE_REMOTE_ADDRESS] = {"an address",
                               "like 10.0.0.1, 10.0.0.0/8, 10.0.0.1-10.0.0.9 or fd00::/8", false},
    [CLAUSE_PORT] = {"a port", "like 443, 8000-8999 or { 80, 443 }", false},
    [CLAUSE_LOCAL_PORT] = {"a port", "like 443, 8000-8999 or { 80, 443 }", false},
    [CLAUSE_REMOTE_PORT] = {"a port", "like 443, 8000-8999 or { 80, 443 }", false},
    [CLAUSE_ICMP_TYPE] = {"an ICMP type", NULL, false},
    [CLAUSE_ICMP_CODE] = {"an ICMP code", NULL, false},
    [CLAUSE_INTERFACE] = {"an interface", NULL, false},
    [CLAUSE_FLAGS] = {"a flag", NULL, false},
    [CLAUSE_DIRECTION] = {"inbound or outbound", NULL, true},
    [CLAUSE_FAMILY] = {"ipv4 or ipv6", NULL, true},
    [CLAUSE_WEIGHT] = {"a number", NULL, true},
    [CLAUSE_NAME] = {"a name", NULL, true},
    [CLAUSE_AS] = {"terminating, inspection or unknown", NULL, true},
    [CLAUSE_UNREGISTERED] = {"permit or block", NULL, true},
    [CLAUSE_TIMEOUT] = {"a time", "like 30s, 1500ms or 2m", true},
    [CLAUSE_DEFAULT] = {"permit or block", NULL, true},
};

static bool at_word(const struct parser *parser, const char *text)
{
    return parser->token.kind == TOKEN_WORD && strcmp(parser->token.text, text) == 0;
}

static int take_word(struct parser *parser, const struct word *table, const char *what,
                     const char *(*hint)(struct parser *parser))
{
    int value = parser->token.kind == TOKEN_WORD ? word_find(table, parser->token.text) : -1;
    if (value < 0)
        parser_expected(parser, what, hint(parser));
    else
        parser_advance(parser);
    return value;
}

static bool parse_prefix(struct parser *parser, struct rule *rule)
{
    for (;;) {
        struct place place = parser->token.place;
        bool hard = at_word(parser, "hard");
        if (at_word(parser, "boot")) {
            rule->boot = true;
            rule->boot_place = place;
        } else if (hard || at_word(parser, "soft")) {
            if (rule->strength != STRENGTH_DEFAULT) {
                report_error(parser->report, place, NULL, "a rule is hard or soft, once");
                return false;
            }
            rule->strength = hard ? STRENGTH_HARD : STRENGTH_SOFT;
            rule->strength_place = place;
        } else {
            return true;
        }
        parser_advance(parser);
    }
}

static bool parse_head(struct parser *parser, struct rule *rule)
{
    if (!parse_prefix(parser, rule))
        return false;
    rule->place = parser->token.place;
    int verb = take_word(parser, words_verbs, "an action", hint_statement);
    if (verb < 0)
        return false;
    rule->verb = (enum rule_verb)verb;
    if (rule->verb == VERB_CALLOUT) {
        rule->callout = parser_one_value(parser, "a callout's name", "its display name or its key");
        if (rule->callout == NULL)
            return false;
    }
    rule->layer_place = parser->token.place;
    int layer = take_word(parser, words_layers, "a layer", hint_layer);
    rule->layer = (enum rule_layer)(layer < 0 ? 0 : layer);
    return layer >= 0;
}

/* Clauses that are their own value: tcp, any, inbound … */
static const struct value *value_of_keyword(struct parser *parser)
{
    struct value *value = arena_alloc(parser->arena, sizeof(*value));
    value->place = parser->token.place;
    value->text = parser->token.text;
    parser_advance(parser);
    return value;
}

static bool parse_clause_value(struct parser *parser, struct clause *clause)
{
    const struct clause_syntax *form = &syntax[clause->kind];
    struct place place;
    if (clause->kind == CLAUSE_DIRECTION || clause->kind == CLAUSE_FAMILY ||
        (clause->kind == CLAUSE_PROTOCOL && !at_word(parser, "proto"))) {
        clause->values = value_of_keyword(parser);
        return true;
    }
    parser_advance(parser);
    place = parser->token.place;
    if (at_word(parser, "not")) {
        clause->negated = true;
        parser_advance(parser);
    }
    if (clause->negated && form->one) {
        report_error(parser->report, place, NULL, "\"not\" has no meaning here");
        return false;
    }
    clause->values = form->one ? parser_one_value(parser, form->what, form->like)
                               : parser_values(parser, form->what, form->like);
    return clause->values != NULL;
}

static const struct clause *clause_find(const struct rule *rule, enum clause_kind kind)
{
    const struct clause *clause = rule->clauses;
    while (clause != NULL && clause->kind != kind)
        clause = clause->next;
    return clause;
}

static bool check_once(struct parser *parser, const struct rule *rule, enum clause_kind kind)
{
    const struct clause *before = clause_find(rule, kind);
    const char *word = kind == CLAUSE_PROTOCOL ? "proto" : parser->token.text;
    if (before == NULL)
        return true;
    report_error(parser->report, parser->token.place,
                 syntax[kind].one
                     ? NULL
                     : arena_printf(parser->arena, "several values are a list: %s { …, … }", word),
                 "the rule has this condition already");
    return false;
}

static bool parse_clauses(struct parser *parser, struct rule *rule)
{
    const struct clause **tail = &rule->clauses;
    while (!parser_at_line_end(parser)) {
        struct clause *clause = arena_alloc(parser->arena, sizeof(*clause));
        int kind =
            parser->token.kind == TOKEN_WORD ? word_find(words_clauses, parser->token.text) : -1;
        if (kind < 0) {
            parser_expected(parser, "a condition", hint_condition(parser));
            return false;
        }
        clause->kind = (enum clause_kind)kind;
        clause->place = parser->token.place;
        if (!check_once(parser, rule, clause->kind) || !parse_clause_value(parser, clause))
            return false;
        *tail = clause;
        tail = &clause->next;
    }
    return true;
}

struct rule *parser_rule(struct parser *parser)
{
    struct rule *rule = arena_alloc(parser->arena, sizeof(*rule));
    rule->whole = parser->token.place;
    if (!parse_head(parser, rule) || !parse_clauses(parser, rule))
        return NULL;
    rule->whole.length = parser->end - rule->whole.offset;
    return rule;
}
