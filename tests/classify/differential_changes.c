/*
 * The differential test of changes: after each of thousands of random changes to a compiled policy,
 * some of them beside a rebuild or cancelled, the lookups in user space and in the kernel answer as
 * the reference does for the filters in force.
 *
 *   differential-changes OBJECT|- [SET COUNT CHANGES [SEED]]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "changing.h"
#include "scenarios.h"

#define SEED   4u
#define KEYS   40 /* after each change; half of them about filters that it touched */
#define TRACES 4  /* for so many of them all filters that match are told of */

/* Rounds are changes. */
static const struct scenario scenarios[] = {
    {"acl", 600, 900},        {"fw", 600, 600},        {"ipc", 300, 600},
    {"acl6", 400, 500},       {"acl-plain", 3000, 80}, {"nested", 200, 300},
    {"crossed", 300, 300},    {"one-field", 200, 300}, {"same", 150, 300},
    {"open", 100, 300},       {"sublayers", 100, 300}, {"long-or", 200, 150},
    {"not-equals", 150, 300}, {"flags", 200, 300},     {"continues", 100, 300},
    {"users", 300, 700},      {"absent", 150, 300},    {"ranges6", 200, 300},
    {"programs", 200, 300},   {"one-bit", 300, 300},
};

static const FWPM_FILTER0 *touched(const struct drawn_change *change, struct random *random)
{
    size_t count = change->added.count + change->deleted.count;
    size_t at = count == 0 ? 0 : random_next(random) % count;
    return count == 0                 ? NULL
           : at < change->added.count ? &change->added.filters[at]
                                      : &change->deleted.filters[at - change->added.count];
}

static void draw_keys(struct changing *changing, const struct drawn_change *change,
                      struct classify_key *keys)
{
    policy_set_trace(&changing->set, 10, 0, keys, KEYS, &changing->random);
    for (size_t i = 0; i < KEYS / 2; i++) {
        const FWPM_FILTER0 *filter = touched(change, &changing->random);
        if (filter != NULL)
            policy_set_key_in(&changing->set, filter, &changing->random, &keys[i]);
    }
}

static void print_list(const char *what, const struct change_list *list)
{
    printf("# %zu %s:\n", list->count, what);
    for (size_t i = 0; i < list->count && i < 6; i++)
        agreement_print_filter(&list->view[i]);
}

static void print_filter(const struct changing *changing, const char *what, uint64_t id)
{
    for (size_t i = 0; i < changing->set.count; i++) {
        if (changing->set.filters[changing->places[i]].filterId != id)
            continue;
        printf("# %s%s:\n", what, i < changing->in_force ? "" : ", which is not in force");
        agreement_print_filter(&changing->set.view[changing->places[i]]);
    }
}

static void report(struct changing *changing, const struct drawn_change *change, const char *who,
                   const struct classify_key *key, const struct reference_result *reference,
                   const struct classify_result *result)
{
    printf("# %s of %zu filters: after change %lu (%lu whole images, %lu rebuilds, %lu cancelled) "
           "%zu are in force\n",
           changing->set.name, changing->set.count, changing->changes, changing->whole,
           changing->rebuilds, changing->cancelled, changing->in_force);
    agreement_print_key(&changing->set, key);
    agreement_print_reference(reference);
    agreement_print(who, result);
    print_filter(changing, "the reference's filter", reference->filter_id);
    print_filter(changing, "the other's", result->filter_id);
    print_list("filters added last", &change->added);
    print_list("filters deleted last", &change->deleted);
    changing_whole(changing);
    struct classify_walk walk = agreement_walk(&changing->set, changing->image, key);
    classify_evaluate(changing->image, &walk, &agreement_trace);
    agreement_print("a whole new image", &walk.result);
}

static bool ask_kernel(struct changing *changing, const struct classify_key *keys)
{
    struct classify_walk *walks = kernel_side_walks(changing->kernel);
    memset(walks, 0, DIFFERENTIAL_KEYS * sizeof *walks); /* layer 0 has no filters */
    for (size_t i = 0; i < KEYS; i++)
        walks[i] = agreement_walk(&changing->set, changing->image, &keys[i]);
    return kernel_side_decide(changing->kernel);
}

/* True: they agree. */
static bool compare(struct changing *changing, const struct drawn_change *change)
{
    struct classify_key keys[KEYS];
    draw_keys(changing, change, keys);
    changing_sort(changing);
    if (changing->kernel != NULL && !ask_kernel(changing, keys))
        exit(1);
    for (size_t i = 0; i < KEYS; i++) {
        struct reference_result reference = changing_reference(changing, &keys[i]);
        struct classify_walk walk = agreement_walk(&changing->set, changing->image, &keys[i]);
        classify_evaluate(changing->image, &walk, &agreement_trace);
        bool user = agreement_holds(&reference, &walk.result);
        if (user && changing->kernel != NULL)
            walk.result = kernel_side_walks(changing->kernel)[i].result;
        if (!agreement_holds(&reference, &walk.result)) {
            report(changing, change, user ? "the kernel" : "the lookup", &keys[i], &reference,
                   &walk.result);
            return false;
        }
    }
    for (size_t i = 0; i < TRACES; i++) {
        if (!agreement_trace_holds(&changing->set, changing->image, changing->reference,
                                   changing->in_force, &keys[i]))
            return false;
    }
    return true;
}

/* Mostly a filter or two, now and then many, seldom all. */
static size_t how_many(struct changing *changing)
{
    switch (random_below(&changing->random, 60)) {
    case 0:
        return changing->set.count;
    case 1:
    case 2:
        return changing->set.count / 5 + 1;
    default:
        return 1 + random_below(&changing->random, 3);
    }
}

static bool one_change(struct changing *changing)
{
    struct drawn_change change;
    if (random_below(&changing->random, 50) == 0 || classify_wants_rebuild(changing->image))
        changing_rebuild(changing);
    if (random_below(&changing->random, 8) == 0)
        changing_cancelled(changing, how_many(changing));
    changing_draw(changing, how_many(changing), &change);
    if (changing_prepare(changing, &change))
        changing_publish(changing);
    else
        changing_whole(changing);
    bool agree = compare(changing, &change);
    if (agree && changing->rebuild != NULL && random_below(&changing->random, 4) == 0) {
        changing_rebuilt(changing);
        agree = compare(changing, &change);
    }
    drawn_change_free(&change);
    return agree;
}

static bool run_scenario(const struct scenario *scenario, struct kernel_side *kernel, uint64_t seed,
                         unsigned number)
{
    struct changing changing;
    bool agree = true;
    changing_begin(&changing, scenario->name, scenario->count, kernel, seed);
    while (agree && changing.changes < scenario->rounds)
        agree = one_change(&changing);
    printf("# %lu changes, %lu cancelled, %lu rebuilds, %lu whole images\n", changing.changes,
           changing.cancelled, changing.rebuilds, changing.whole);
    printf("%s %u - %s of %zu filters: after each change all agree\n", agree ? "ok" : "not ok",
           number, scenario->name, changing.set.count);
    fflush(stdout);
    changing_end(&changing);
    return agree;
}

int main(int argc, char **argv)
{
    const struct scenario_test test = {
        .usage = "differential-changes OBJECT|- [SET COUNT CHANGES [SEED]]",
        .scenarios = scenarios,
        .count = sizeof scenarios / sizeof scenarios[0],
        .seed = SEED,
        .run = run_scenario};
    return scenarios_main(&test, argc, argv);
}
