#include "src/wfp/policy/meaning.h"

#include <string.h>

#include <openwfp.h>

#include "src/wfp/arena.h"
#include "src/wfp/policy/hold.h"
#include "src/wfp/policy/layer_facts.h"
#include "src/wfp/policy/meaning_values.h"
#include "src/wfp/policy/report.h"
#include "src/wfp/policy/words.h"

u128 meaning_max(enum field field, enum family family)
{
    switch (field) {
    case FIELD_PROTOCOL:
        return UINT8_MAX;
    case FIELD_LOCAL_PORT:
    case FIELD_REMOTE_PORT:
        return UINT16_MAX;
    case FIELD_LOCAL_ADDRESS:
    case FIELD_REMOTE_ADDRESS:
        return family == FAMILY_V4 ? UINT32_MAX : ~(u128)0;
    case FIELD_DIRECTION:
        return UINT32_MAX;
    default:
        return UINT64_MAX;
    }
}

static const char *layer_word(const struct rule *rule)
{
    return word_text(words_layers, rule->layer);
}

static const struct clause *clause_of(const struct rule *rule, enum clause_kind kind)
{
    const struct clause *clause = rule->clauses;
    while (clause != NULL && clause->kind != kind)
        clause = clause->next;
    return clause;
}

/* ---- which field a clause is about ---- */

/* established is either end's; the word inbound or outbound says which. */
static const struct layer_facts *facts_of(const struct rule *rule)
{
    const struct clause *direction = clause_of(rule, CLAUSE_DIRECTION);
    if (rule->layer != RULE_ESTABLISHED || direction == NULL)
        return layer_facts(rule->layer);
    bool inbound = strcmp(direction->values->text, "inbound") == 0;
    return layer_facts(inbound ? RULE_ACCEPT : RULE_CONNECT);
}

static enum field no_such_end(const struct reader *reader, const struct rule *rule,
                              const struct clause *clause)
{
    const char *word = word_text(words_clauses, clause->kind);
    const char *layer = layer_word(rule);
    if (rule->layer == RULE_ESTABLISHED || rule->layer == RULE_CLOSURE) {
        const char *ends = clause->kind == CLAUSE_PORT ? "local-port or remote-port"
                                                       : "local-address or remote-address";
        const char *hint =
            rule->layer == RULE_CLOSURE
                ? arena_printf(reader->arena, "write %s", ends)
                : arena_printf(reader->arena, "write %s, or inbound or outbound before it", ends);
        report_error(reader->report, clause->place, hint,
                     "\"%s\" is not clear: %s is of both directions", word, layer);
    } else {
        report_error(reader->report, clause->place, "write \"on\" for the local address",
                     "\"%s\" has no meaning for %s: it has no peer", word, layer);
    }
    return FIELDS;
}

/* FIELDS: reported. */
static enum field field_of(const struct reader *reader, const struct rule *rule,
                           const struct clause *clause)
{
    const struct layer_facts *ends = facts_of(rule);
    enum field field;
    switch (clause->kind) {
    case CLAUSE_LOCAL_ADDRESS:
        return FIELD_LOCAL_ADDRESS;
    case CLAUSE_REMOTE_ADDRESS:
        return FIELD_REMOTE_ADDRESS;
    case CLAUSE_ICMP_TYPE:
    case CLAUSE_LOCAL_PORT:
        return FIELD_LOCAL_PORT;
    case CLAUSE_ICMP_CODE:
    case CLAUSE_REMOTE_PORT:
        return FIELD_REMOTE_PORT;
    case CLAUSE_FROM:
        field = ends->from;
        break;
    case CLAUSE_TO:
        field = ends->to;
        break;
    default:
        field = ends->port;
        break;
    }
    return field == FIELDS ? no_such_end(reader, rule, clause) : field;
}

/* Notes that the rule tests a field: once, and only where the layer has it. */
static bool claim(const struct reader *reader, struct meaning *meaning, enum field field,
                  const struct clause *clause)
{
    bool remote = field == FIELD_REMOTE_ADDRESS || field == FIELD_REMOTE_PORT;
    if (remote && !layer_facts(meaning->rule->layer)->remote) {
        report_error(reader->report, clause->place, "only local-port and local-address exist there",
                     "%s has no peer", layer_word(meaning->rule));
        return false;
    }
    if (meaning->given[field]) {
        report_error(reader->report, clause->place, "each end has one list",
                     "another condition of the rule is about the same %s already",
                     field == FIELD_LOCAL_ADDRESS || field == FIELD_REMOTE_ADDRESS ? "address"
                                                                                   : "port");
        return false;
    }
    meaning->given[field] = true;
    meaning->given_at[field] = clause->place;
    for (int family = 0; family < FAMILIES; family++)
        meaning->tests[family][field].negated = clause->negated;
    return true;
}

static bool read_addresses_clause(const struct reader *reader, struct meaning *meaning,
                                  const struct clause *clause)
{
    enum field field = field_of(reader, meaning->rule, clause);
    return field != FIELDS && claim(reader, meaning, field, clause) &&
           meaning_addresses(reader, meaning, field, clause->values);
}

static bool read_ports_clause(const struct reader *reader, struct meaning *meaning,
                              const struct clause *clause)
{
    bool icmp = clause->kind == CLAUSE_ICMP_TYPE || clause->kind == CLAUSE_ICMP_CODE;
    enum field field = field_of(reader, meaning->rule, clause);
    return field != FIELDS && claim(reader, meaning, field, clause) &&
           meaning_spans(reader, meaning, field, clause->values, icmp ? read_byte : read_port);
}

/* ---- protocols ---- */

static bool read_protocols_clause(const struct reader *reader, struct meaning *meaning,
                                  const struct clause *clause)
{
    const struct value *value = clause->values;
    bool any = value->next == NULL && strcmp(value->text, "any") == 0;
    if (layer_facts(meaning->rule->layer)->protocol)
        return any || (claim(reader, meaning, FIELD_PROTOCOL, clause) &&
                       meaning_protocols(reader, meaning, clause->values));
    if (any || (value->next == NULL && !clause->negated && strcmp(value->text, "tcp") == 0))
        return true;
    report_error(reader->report, value->place, "a UDP socket is seen at bind",
                 "listen is TCP only: it can't be \"%s\"", value->text);
    return false;
}

/* Ports belong to TCP, UDP and their kin, types and codes to ICMP, though they share their fields
 * (2.4). */
static bool check_ports(const struct reader *reader, struct meaning *meaning)
{
    const struct rule *rule = meaning->rule;
    const struct clause *protocol = clause_of(rule, CLAUSE_PROTOCOL);
    bool icmp = meaning_is_icmp(meaning);
    for (const struct clause *c = rule->clauses; c != NULL; c = c->next) {
        bool type = c->kind == CLAUSE_ICMP_TYPE || c->kind == CLAUSE_ICMP_CODE;
        bool port =
            c->kind == CLAUSE_PORT || c->kind == CLAUSE_LOCAL_PORT || c->kind == CLAUSE_REMOTE_PORT;
        if (type && !icmp) {
            report_error(reader->report, c->place, "add icmp or icmp6 to the rule",
                         "only ICMP has types and codes");
            return false;
        }
        if (port && icmp) {
            report_error(reader->report, c->place, "write icmp-type or icmp-code",
                         "ICMP has no ports");
            return false;
        }
        if (port && protocol == NULL && layer_facts(rule->layer)->protocol &&
            !meaning->given[FIELD_PROTOCOL])
            meaning_with_ports(reader, meaning);
    }
    return true;
}

/* ---- the rest ---- */

static bool read_direction_clause(const struct reader *reader, struct meaning *meaning,
                                  const struct clause *clause)
{
    uint64_t direction = strcmp(clause->values->text, "inbound") == 0;
    if (!layer_facts(meaning->rule->layer)->direction) {
        report_error(reader->report, clause->place,
                     "connect is outbound, accept is inbound; established is both",
                     "%s has no direction", layer_word(meaning->rule));
        return false;
    }
    meaning->given[FIELD_DIRECTION] = true;
    for (int family = 0; family < FAMILIES; family++) {
        struct spans *spans = &meaning->tests[family][FIELD_DIRECTION].spans;
        *spans = spans_new(reader->arena, 1);
        spans_add(spans, direction, direction);
    }
    return true;
}

static bool read_flags_clause(const struct reader *reader, struct meaning *meaning,
                              const struct clause *clause)
{
    const struct layer_facts *layer = layer_facts(meaning->rule->layer);
    meaning->flags_negated = clause->negated;
    for (const struct value *value = clause->values; value != NULL; value = value->next) {
        int flag = word_find(words_flags, value->text);
        if (flag < 0) {
            const char *hint = word_hint(reader->arena, words_flags, value->text);
            report_error(reader->report, value->place,
                         hint != NULL ? hint
                                      : arena_printf(reader->arena, "a flag is %s",
                                                     word_list(reader->arena, words_flags)),
                         "\"%s\" is not a flag", value->text);
            return false;
        }
        if ((layer->flags & (uint32_t)flag) == 0) {
            report_error(reader->report, value->place, NULL, "%s never has the flag \"%s\"",
                         layer_word(meaning->rule), value->text);
            return false;
        }
        meaning->flags |= (uint32_t)flag;
    }
    return true;
}

static bool read_weight_clause(const struct reader *reader, struct meaning *meaning,
                               const struct clause *clause)
{
    meaning->has_weight = true;
    if (number_parse(clause->values->text, UINT64_MAX, &meaning->weight))
        return true;
    report_error(reader->report, clause->values->place, "like 1000 or 0x8000000000000000",
                 "a weight is a number of 64 bits, not \"%s\"", clause->values->text);
    return false;
}

static bool only_with(const struct reader *reader, const struct meaning *meaning,
                      const struct clause *clause, enum rule_verb verb)
{
    if (meaning->rule->verb == verb)
        return true;
    report_error(reader->report, clause->place, NULL, "\"%s\" belongs to %s rules only",
                 word_text(words_clauses, clause->kind), word_text(words_verbs, verb));
    return false;
}

static bool read_choice(const struct reader *reader, const struct value *value,
                        const struct word *choices, int *choice)
{
    *choice = word_find(choices, value->text);
    if (*choice < 0)
        report_error(reader->report, value->place, word_hint(reader->arena, choices, value->text),
                     "expected %s, not %s", word_list(reader->arena, choices), value->text);
    return *choice >= 0;
}

static bool read_callout_clause(const struct reader *reader, struct meaning *meaning,
                                const struct clause *clause)
{
    static const struct word kinds[] = {{"terminating", CALLOUT_TERMINATING},
                                        {"inspection", CALLOUT_INSPECTION},
                                        {"unknown", CALLOUT_UNKNOWN},
                                        {NULL, 0}};
    static const struct word answers[] = {{"permit", 1}, {"block", 0}, {NULL, 0}};
    bool kind = clause->kind == CLAUSE_AS;
    int choice;
    if (!only_with(reader, meaning, clause, VERB_CALLOUT) ||
        !read_choice(reader, clause->values, kind ? kinds : answers, &choice))
        return false;
    if (kind)
        meaning->callout_kind = (enum callout_kind)choice;
    else
        meaning->permit_unregistered = choice == 1;
    return true;
}

static bool read_clause(const struct reader *reader, struct meaning *meaning,
                        const struct clause *clause)
{
    switch (clause->kind) {
    case CLAUSE_PROTOCOL:
        return read_protocols_clause(reader, meaning, clause);
    case CLAUSE_APP:
        return meaning_apps(reader, meaning, clause);
    case CLAUSE_USER:
    case CLAUSE_GROUP:
        return meaning_accounts(reader, meaning, clause);
    case CLAUSE_FROM:
    case CLAUSE_TO:
    case CLAUSE_LOCAL_ADDRESS:
    case CLAUSE_REMOTE_ADDRESS:
        return read_addresses_clause(reader, meaning, clause);
    case CLAUSE_PORT:
    case CLAUSE_LOCAL_PORT:
    case CLAUSE_REMOTE_PORT:
    case CLAUSE_ICMP_TYPE:
    case CLAUSE_ICMP_CODE:
        return read_ports_clause(reader, meaning, clause);
    case CLAUSE_INTERFACE:
        return claim(reader, meaning, FIELD_INTERFACE, clause) &&
               meaning_spans(reader, meaning, FIELD_INTERFACE, clause->values, read_interface);
    case CLAUSE_FLAGS:
        return read_flags_clause(reader, meaning, clause);
    case CLAUSE_DIRECTION:
        return read_direction_clause(reader, meaning, clause);
    case CLAUSE_FAMILY:
        return true;
    case CLAUSE_WEIGHT:
        return read_weight_clause(reader, meaning, clause);
    case CLAUSE_NAME:
        meaning->name = clause->values->text;
        return true;
    case CLAUSE_AS:
    case CLAUSE_UNREGISTERED:
        return read_callout_clause(reader, meaning, clause);
    default:
        return only_with(reader, meaning, clause, VERB_HOLD) &&
               hold_clause(reader, meaning, clause);
    }
}

static bool check_strength(const struct reader *reader, const struct meaning *meaning)
{
    const struct rule *rule = meaning->rule;
    bool soft = rule->strength == STRENGTH_SOFT;
    if (rule->strength == STRENGTH_DEFAULT || (rule->verb == VERB_PERMIT) ||
        (rule->verb == VERB_BLOCK && !soft))
        return true;
    if (rule->verb == VERB_BLOCK)
        report_error(reader->report, rule->strength_place, "only a callout can block softly",
                     "a filter's block is always hard");
    else
        report_error(reader->report, rule->strength_place, NULL,
                     rule->verb == VERB_HOLD
                         ? "an answer counts as permit or block would in its place"
                         : "a callout itself says whether it is hard or soft");
    return false;
}

static bool check_callout(const struct reader *reader, const struct meaning *meaning)
{
    if (!meaning->permit_unregistered || meaning->callout_kind != CALLOUT_INSPECTION)
        return true;
    report_error(reader->report, clause_of(meaning->rule, CLAUSE_UNREGISTERED)->place,
                 "an inspection callout that isn't there is passed over",
                 "\"unregistered\" has no meaning for an inspection");
    return false;
}

/* A family where no value applies: "is" never holds there, "not" always does. */
static bool settle_families(const struct reader *reader, struct meaning *meaning)
{
    const struct clause *version = clause_of(meaning->rule, CLAUSE_FAMILY);
    bool only_v4 = version != NULL && strcmp(version->values->text, "ipv4") == 0;
    meaning->family[FAMILY_V4] = version == NULL || only_v4;
    meaning->family[FAMILY_V6] = version == NULL || !only_v4;
    for (int family = 0; family < FAMILIES; family++) {
        for (int field = 0; field < FIELDS; field++) {
            const struct field_test *test = &meaning->tests[family][field];
            bool all = spans_are_all(&test->spans, meaning_max((enum field)field, family));
            if (meaning->given[field] && (test->negated ? all : test->spans.count == 0))
                meaning->family[family] = false;
        }
    }
    if (meaning_ends_disagree(meaning))
        meaning->family[FAMILY_V6] = false;
    if (meaning->family[FAMILY_V4] || meaning->family[FAMILY_V6])
        return true;
    report_error(reader->report, meaning->rule->place,
                 "its addresses and protocol are of different IP versions, or \"not\" leaves none",
                 "the rule can never match");
    return false;
}

bool meaning_of(const struct reader *reader, const struct rule *rule, struct meaning *meaning)
{
    bool good = true;
    *meaning = (struct meaning){.rule = rule, .hold_ms = OPENWFP_HOLD_TIMEOUT};
    for (const struct clause *clause = rule->clauses; clause != NULL; clause = clause->next)
        good &= read_clause(reader, meaning, clause);
    good &= check_strength(reader, meaning) && check_callout(reader, meaning) &&
            hold_check(reader, meaning);
    return good && check_ports(reader, meaning) && settle_families(reader, meaning);
}
