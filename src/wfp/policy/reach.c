#include "src/wfp/policy/reach.h"

#include "src/wfp/policy/ast.h"
#include "src/wfp/policy/report.h"
#include "src/wfp/policy/words.h"

static bool has(const struct rule *rule, enum clause_kind kind)
{
    const struct clause *clause = rule->clauses;
    while (clause != NULL && clause->kind != kind)
        clause = clause->next;
    return clause != NULL;
}

/* Only what says nothing about the operation. A callout may leave it to the next rule. */
static bool takes_everything(const struct rule *rule)
{
    for (const struct clause *clause = rule->clauses; clause != NULL; clause = clause->next) {
        if (clause->kind != CLAUSE_NAME && clause->kind != CLAUSE_TIMEOUT &&
            clause->kind != CLAUSE_DEFAULT)
            return false;
    }
    return rule->verb != VERB_CALLOUT;
}

static void check_sublayer(struct report *report, const struct policy_sublayer *sublayer)
{
    const struct rule *taker[2][RULE_LAYERS] = {{NULL}}; /* of rules without and with boot */
    for (const struct rule *rule = sublayer->first; rule != NULL; rule = rule->next) {
        const struct rule **above = &taker[rule->boot][rule->layer];
        if (has(rule, CLAUSE_WEIGHT))
            continue; /* not asked in the file's order */
        if (*above != NULL)
            report_warning(report, rule->place, "the first rule that matches decides: move it up",
                           "never asked: the rule at %s:%u takes everything at %s",
                           (*above)->place.source->name, (*above)->place.line,
                           word_text(words_layers, rule->layer));
        else if (takes_everything(rule))
            *above = rule;
    }
}

void reach_check(struct report *report, const struct policy *policy)
{
    for (const struct policy_sublayer *s = policy->sublayers; s != NULL; s = s->next)
        check_sublayer(report, s);
}
