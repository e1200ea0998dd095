#include "src/wfp/policy/compile.h"

#include <string.h>

#include <openwfp.h>

#include "src/model/guid.h"
#include "src/model/layers.h"
#include "src/wfp/arena.h"
#include "src/wfp/policy/conditions.h"
#include "src/wfp/policy/hold.h"
#include "src/wfp/policy/key.h"
#include "src/wfp/policy/meaning.h"
#include "src/wfp/policy/report.h"
#include "src/wfp/policy/words.h"

#define NAME_MAX_LENGTH 120u /* bytes of a rule shown as its filter's name */

struct compiler {
    const struct reader *reader;
    const struct compile_options *options;
    struct policy_objects *objects;
    FWPM_SUBLAYER0 *sublayer;
    uint64_t weight; /* of the next rule */
};

static bool has_boot(const struct policy_sublayer *sublayer)
{
    for (const struct rule *rule = sublayer->first; rule != NULL; rule = rule->next) {
        if (rule->boot)
            return true;
    }
    return false;
}

/* What a boot-time filter names must outlive the service, as it does (semantics 8.5). */
static bool lasts(const struct compiler *compiler, bool boot)
{
    return compiler->options->persistent || (boot && !compiler->options->dynamic);
}

/* ---- names ---- */

/* The rule's own text, blanks run together; a rule of several lines by its first one. */
static const char *rule_text(struct arena *arena, const struct rule *rule)
{
    const struct place *whole = &rule->whole;
    const char *text = whole->source->text + whole->offset;
    char *name = arena_alloc(arena, NAME_MAX_LENGTH + 8);
    size_t length = 0, i = 0;
    for (; i < whole->length && text[i] != '\n' && length < NAME_MAX_LENGTH; i++) {
        bool blank = text[i] == ' ' || text[i] == '\t' || text[i] == '\r';
        if (!blank)
            name[length++] = text[i];
        else if (length > 0 && name[length - 1] != ' ')
            name[length++] = ' ';
    }
    if (i < whole->length) {
        while (length > 0 && ((unsigned char)name[length - 1] & 0xc0) == 0x80)
            length--;
        if (length > 0 && ((unsigned char)name[length - 1] & 0x80) != 0)
            length--;
        strcpy(name + length, "…");
    }
    return name;
}

static FWPM_DISPLAY_DATA0 display(struct arena *arena, const char *name, const char *description)
{
    return (FWPM_DISPLAY_DATA0){arena_wide(arena, name), arena_wide(arena, description)};
}

static const char *place_text(struct arena *arena, const struct place *place)
{
    return arena_printf(arena, "%s:%u", place->source->name, place->line);
}

/* ---- filters ---- */

static uint32_t filter_flags(const struct compiler *compiler, const struct meaning *meaning)
{
    const struct rule *rule = meaning->rule;
    uint32_t flags = 0;
    if (rule->boot)
        flags |= FWPM_FILTER_FLAG_BOOTTIME;
    else if (compiler->options->persistent)
        flags |= FWPM_FILTER_FLAG_PERSISTENT;
    if (rule->strength == STRENGTH_HARD)
        flags |= FWPM_FILTER_FLAG_CLEAR_ACTION_RIGHT;
    if (meaning->permit_unregistered || meaning->hold_permits)
        flags |= FWPM_FILTER_FLAG_PERMIT_IF_CALLOUT_UNREGISTERED;
    return flags;
}

static bool find_callout(const struct compiler *compiler, const struct rule *rule,
                         const GUID *layer, GUID *key)
{
    const struct reader *reader = compiler->reader;
    const struct environment *environment = reader->environment;
    if (guid_parse(rule->callout->text, key))
        return true;
    if (environment->callout == NULL) {
        *key = key_of_callout(rule->callout->text);
        return true;
    }
    if (environment->callout(environment->ctx, rule->callout->text, layer, key))
        return true;
    report_error(reader->report, rule->callout->place, "\"wfp show callouts\" lists what is there",
                 "there is no callout \"%s\" at %s", rule->callout->text,
                 word_text(words_layers, rule->layer));
    return false;
}

static void set_hold(const struct meaning *meaning, enum family family, FWPM_FILTER0 *filter)
{
    filter->action.type = FWP_ACTION_CALLOUT_TERMINATING;
    filter->action.calloutKey = *hold_callout(meaning->rule->layer, family);
    filter->rawContext = OPENWFP_HOLD_CONTEXT(
        meaning->hold_ms, meaning->hold_permits ? FWP_ACTION_PERMIT : FWP_ACTION_BLOCK);
}

static bool set_action(const struct compiler *compiler, const struct meaning *meaning,
                       enum family family, FWPM_FILTER0 *filter)
{
    static const FWP_ACTION_TYPE kinds[] = {
        [CALLOUT_UNKNOWN] = FWP_ACTION_CALLOUT_UNKNOWN,
        [CALLOUT_TERMINATING] = FWP_ACTION_CALLOUT_TERMINATING,
        [CALLOUT_INSPECTION] = FWP_ACTION_CALLOUT_INSPECTION,
    };
    switch (meaning->rule->verb) {
    case VERB_PERMIT:
        filter->action.type = FWP_ACTION_PERMIT;
        return true;
    case VERB_CALLOUT:
        filter->action.type = kinds[meaning->callout_kind];
        return find_callout(compiler, meaning->rule, &filter->layerKey, &filter->action.calloutKey);
    case VERB_HOLD:
        set_hold(meaning, family, filter);
        return true;
    default:
        filter->action.type = FWP_ACTION_BLOCK;
        return true;
    }
}

static bool add_filter(struct compiler *compiler, const struct meaning *meaning, enum family family)
{
    struct arena *arena = compiler->reader->arena;
    struct policy_objects *objects = compiler->objects;
    const struct rule *rule = meaning->rule;
    FWPM_FILTER0 *filter = &objects->filters[objects->filter_count];
    struct conditions conditions = conditions_of(arena, meaning, family);
    filter->layerKey = layer_by_id(layer_facts(rule->layer)->ids[family])->key;
    if (!set_action(compiler, meaning, family, filter))
        return false;
    filter->displayData =
        display(arena, meaning->name != NULL ? meaning->name : rule_text(arena, rule),
                place_text(arena, &rule->place));
    filter->flags = filter_flags(compiler, meaning);
    filter->providerKey = &objects->provider.providerKey;
    filter->subLayerKey = compiler->sublayer->subLayerKey;
    filter->weight.type = FWP_UINT64;
    filter->weight.uint64 = arena_alloc(arena, sizeof(UINT64));
    *filter->weight.uint64 = meaning->has_weight ? meaning->weight : compiler->weight;
    filter->numFilterConditions = conditions.count;
    filter->filterCondition = conditions.list;
    filter->filterKey = key_of_filter(filter);
    objects->filter_count++;
    return true;
}

static void compile_rule(struct compiler *compiler, const struct rule *rule)
{
    struct meaning meaning;
    compiler->objects->rules++;
    compiler->objects->boot_rules += rule->boot;
    compiler->weight -= COMPILE_WEIGHT_STEP;
    if (!meaning_of(compiler->reader, rule, &meaning) || meaning.never)
        return;
    if (rule->boot && compiler->options->dynamic)
        return;
    bool good = true;
    for (int family = 0; family < FAMILIES && good; family++) {
        if (meaning.family[family])
            good = add_filter(compiler, &meaning, (enum family)family);
    }
}

/* ---- sublayers, the whole ---- */

static bool taken(const struct policy_objects *objects, const GUID *key)
{
    for (size_t i = 0; i < objects->sublayer_count; i++) {
        if (guid_equal(&objects->sublayers[i].subLayerKey, key))
            return true;
    }
    return false;
}

static bool sublayer_key(const struct compiler *compiler, const struct policy_sublayer *sublayer,
                         GUID *key)
{
    struct report *report = compiler->reader->report;
    *key = key_of_sublayer(compiler->objects->name, sublayer->name);
    if (sublayer->key == NULL)
        return true;
    if (!guid_parse(sublayer->key->text, key)) {
        report_error(report, sublayer->key->place, "like eebecc03-ced4-4380-819a-2734397b2b74",
                     "\"%s\" is not a GUID", sublayer->key->text);
        return false;
    }
    if (taken(compiler->objects, key)) {
        report_error(report, sublayer->key->place, NULL,
                     "another sublayer of this policy has this key");
        return false;
    }
    return true;
}

static void set_sublayer(struct compiler *compiler, const struct policy_sublayer *sublayer)
{
    const struct reader *reader = compiler->reader;
    FWPM_SUBLAYER0 *made = compiler->sublayer;
    uint64_t weight = POLICY_SUBLAYER_WEIGHT;
    if (sublayer->weight != NULL && !number_parse(sublayer->weight->text, UINT16_MAX, &weight))
        report_error(reader->report, sublayer->weight->place, "heavier sublayers decide first",
                     "a sublayer's weight is a number from 0 to 65535, not \"%s\"",
                     sublayer->weight->text);
    if (!sublayer_key(compiler, sublayer, &made->subLayerKey))
        return;
    made->displayData =
        display(reader->arena, sublayer->name, place_text(reader->arena, &sublayer->place));
    made->weight = (UINT16)weight;
    made->providerKey = &compiler->objects->provider.providerKey;
    if (lasts(compiler, has_boot(sublayer)))
        made->flags = FWPM_SUBLAYER_FLAG_PERSISTENT;
    compiler->objects->sublayer_count++;
}

static void compile_sublayer(struct compiler *compiler, const struct policy_sublayer *sublayer)
{
    compiler->sublayer = &compiler->objects->sublayers[compiler->objects->sublayer_count];
    compiler->weight = COMPILE_FIRST_WEIGHT;
    set_sublayer(compiler, sublayer);
    for (const struct rule *rule = sublayer->first; rule != NULL; rule = rule->next) {
        if (report_full(compiler->reader->report))
            return;
        compile_rule(compiler, rule);
    }
}

static void make_room(struct arena *arena, const struct policy *policy,
                      struct policy_objects *objects)
{
    size_t sublayers = 0, rules = 0;
    for (const struct policy_sublayer *s = policy->sublayers; s != NULL; s = s->next) {
        sublayers++;
        for (const struct rule *rule = s->first; rule != NULL; rule = rule->next)
            rules++;
    }
    objects->sublayers = arena_alloc(arena, (sublayers + 1) * sizeof(FWPM_SUBLAYER0));
    objects->filters = arena_alloc(arena, (rules * FAMILIES + 1) * sizeof(FWPM_FILTER0));
}

void policy_compile(const struct reader *reader, const struct policy *policy,
                    const struct compile_options *options, struct policy_objects *objects)
{
    struct compiler compiler = {.reader = reader, .options = options, .objects = objects};
    bool boot = false;
    *objects = (struct policy_objects){.name = policy->name};
    make_room(reader->arena, policy, objects);
    for (const struct policy_sublayer *s = policy->sublayers; s != NULL; s = s->next)
        boot |= has_boot(s);
    objects->provider.providerKey = key_of_provider(policy->name);
    objects->provider.displayData = display(reader->arena, policy->name, "a policy of wfp apply");
    if (lasts(&compiler, boot))
        objects->provider.flags = FWPM_PROVIDER_FLAG_PERSISTENT;
    for (const struct policy_sublayer *s = policy->sublayers; s != NULL; s = s->next)
        compile_sublayer(&compiler, s);
}
