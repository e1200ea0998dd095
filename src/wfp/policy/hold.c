#include "src/wfp/policy/hold.h"

#include <stdlib.h>
#include <string.h>

#include <openwfp.h>

#include "src/wfp/arena.h"
#include "src/wfp/policy/report.h"
#include "src/wfp/policy/words.h"

static const struct word units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {NULL, 0}};
static const struct word defaults[] = {{"permit", 1}, {"block", 0}, {NULL, 0}};

static const GUID *const callouts[RULE_LAYERS][FAMILIES] = {
    [RULE_CONNECT] = {&OPENWFP_CALLOUT_HOLD_CONNECT_V4, &OPENWFP_CALLOUT_HOLD_CONNECT_V6},
    [RULE_ACCEPT] = {&OPENWFP_CALLOUT_HOLD_ACCEPT_V4, &OPENWFP_CALLOUT_HOLD_ACCEPT_V6},
    [RULE_LISTEN] = {&OPENWFP_CALLOUT_HOLD_LISTEN_V4, &OPENWFP_CALLOUT_HOLD_LISTEN_V6},
    [RULE_BIND] = {&OPENWFP_CALLOUT_HOLD_BIND_V4, &OPENWFP_CALLOUT_HOLD_BIND_V6},
};

const GUID *hold_callout(enum rule_layer layer, enum family family)
{
    return callouts[layer][family];
}

const char *hold_time(struct arena *arena, uint32_t ms)
{
    return ms % 1000 == 0 ? arena_printf(arena, "%us", ms / 1000) : arena_printf(arena, "%ums", ms);
}

/* Digits and a unit. */
static bool parse_time(const char *text, uint64_t *ms)
{
    size_t digits = strspn(text, "0123456789");
    int unit = word_find(units, text + digits);
    if (digits == 0 || digits > 9 || unit < 0)
        return false;
    *ms = strtoull(text, NULL, 10) * (uint64_t)unit;
    return true;
}

static bool read_timeout(const struct reader *reader, const struct value *value, uint32_t *timeout)
{
    uint64_t ms;
    if (!parse_time(value->text, &ms)) {
        report_error(reader->report, value->place, "like 30s, 1500ms or 2m; 10m at most",
                     "a timeout is a number with a unit, not \"%s\"", value->text);
        return false;
    }
    if (ms == 0 || ms > OPENWFP_HOLD_TIMEOUT_MAX) {
        report_error(reader->report, value->place, "write permit or block to wait for nobody",
                     "a timeout is from 1ms to %um", OPENWFP_HOLD_TIMEOUT_MAX / 60000);
        return false;
    }
    *timeout = (uint32_t)ms;
    return true;
}

bool hold_clause(const struct reader *reader, struct meaning *meaning, const struct clause *clause)
{
    const struct value *value = clause->values;
    if (clause->kind == CLAUSE_TIMEOUT)
        return read_timeout(reader, value, &meaning->hold_ms);
    int choice = word_find(defaults, value->text);
    if (choice < 0) {
        report_error(reader->report, value->place, word_hint(reader->arena, defaults, value->text),
                     "expected %s, not %s", word_list(reader->arena, defaults), value->text);
        return false;
    }
    meaning->hold_permits = choice == 1;
    return true;
}

bool hold_check(const struct reader *reader, const struct meaning *meaning)
{
    const struct rule *rule = meaning->rule;
    if (rule->verb != VERB_HOLD)
        return true;
    if (hold_callout(rule->layer, FAMILY_V4) == NULL) {
        report_error(reader->report, rule->layer_place, "connect, accept, listen and bind can",
                     "%s is only a note: it can't be held", word_text(words_layers, rule->layer));
        return false;
    }
    if (rule->boot) {
        report_error(reader->report, rule->boot_place, "write boot permit or boot block",
                     "before bfe runs there is nobody to ask");
        return false;
    }
    return true;
}
