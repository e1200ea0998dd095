/*
 * Changes while the kernel classifies. One thread lets the kernel decide the same keys over and
 * over, the other one changes the policy as fast as it can, in place and by rebuilt images. Every
 * answer must be the reference's for one of the policies that were in force between the beginning
 * and the end of the run: never a mixture of two, never one that was gone or had not come yet.
 *
 *   differential-concurrent OBJECT [SET COUNT ROUNDS [SEED]]
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "changing.h"
#include "scenarios.h"

#define SEED  20260501u
#define KEYS  64
#define BATCH 32  /* changes that are drawn, with their answers, and then made in one go */
#define RING  512 /* answers of so many policies are kept */

static const struct scenario scenarios[] = {
    {"acl", 200, 40}, {"users", 150, 30},  {"acl6", 200, 30},  {"sublayers", 60, 20},
    {"open", 40, 20}, {"nested", 100, 20}, {"long-or", 150, 6}};

struct race {
    struct changing changing;
    struct classify_key keys[KEYS];
    struct classify_walk asked[KEYS];
    struct reference_result answers[RING][KEYS]; /* of policy n at n % RING */
    /* The last policy in force, the last that may be, the first that the kernel is asked about. */
    _Atomic uint64_t in_force, coming, oldest;
    atomic_bool over, stop, stopped, broken;
    unsigned long runs, overlapped, differences;
};

/* ---- the thread that asks ---- */

static bool is_answer(const struct race *race, uint64_t policy, size_t key,
                      const struct classify_result *result)
{
    return agreement_holds(&race->answers[policy % RING][key], result);
}

static void report(struct race *race, uint64_t first, uint64_t last, size_t key,
                   const struct classify_result *result)
{
    if (race->differences++ != 0)
        return;
    printf("# policies %llu to %llu were in force\n", (unsigned long long)first,
           (unsigned long long)last);
    agreement_print_key(&race->changing.set, &race->keys[key]);
    agreement_print("the kernel", result);
    for (uint64_t policy = first; policy <= last; policy++)
        agreement_print_reference(&race->answers[policy % RING][key]);
}

static void check(struct race *race, uint64_t first, uint64_t last)
{
    for (size_t i = 0; i < DIFFERENTIAL_KEYS; i++) {
        const struct classify_result *result = &kernel_side_walks(race->changing.kernel)[i].result;
        uint64_t policy = first;
        while (policy <= last && !is_answer(race, policy, i % KEYS, result))
            policy++;
        if (policy > last)
            report(race, first, last, i % KEYS, result);
    }
    race->runs++;
    race->overlapped += first != last;
}

static void *ask(void *argument)
{
    struct race *race = argument;
    struct classify_walk *walks = kernel_side_walks(race->changing.kernel);
    while (!atomic_load(&race->over) && !atomic_load(&race->broken)) {
        atomic_store(&race->stopped, atomic_load(&race->stop));
        if (atomic_load(&race->stopped)) {
            sched_yield();
            continue;
        }
        uint64_t first = atomic_load(&race->in_force);
        atomic_store(&race->oldest, first);
        for (size_t i = 0; i < DIFFERENTIAL_KEYS; i++)
            walks[i] = race->asked[i % KEYS];
        atomic_store(&race->broken, !kernel_side_decide(race->changing.kernel));
        check(race, first, atomic_load(&race->coming));
        sched_yield(); /* or RCU, and with it the changer, waits for this processor */
    }
    return NULL;
}

/* ---- the thread that changes ---- */

static void note_answers(struct race *race, uint64_t policy)
{
    changing_sort(&race->changing);
    for (size_t i = 0; i < KEYS; i++)
        race->answers[policy % RING][i] = changing_reference(&race->changing, &race->keys[i]);
}

static void set_keys(struct race *race)
{
    for (size_t i = 0; i < KEYS; i++)
        race->asked[i] = agreement_walk(&race->changing.set, race->changing.image, &race->keys[i]);
}

/* A whole new image may number the groups anew, so nobody asks meanwhile. */
static void start_again(struct race *race, uint64_t policy)
{
    atomic_store(&race->stop, true);
    while (!atomic_load(&race->stopped) && !atomic_load(&race->broken))
        sched_yield();
    changing_whole(&race->changing);
    set_keys(race);
    atomic_store(&race->coming, policy);
    atomic_store(&race->in_force, policy);
    atomic_store(&race->stop, false);
    while (atomic_load(&race->stopped))
        sched_yield();
}

static bool make_change(struct race *race, const struct drawn_change *change)
{
    uint64_t next = atomic_load(&race->in_force) + 1;
    if (!changing_prepare(&race->changing, change))
        return false;
    atomic_store(&race->coming, next);
    changing_publish(&race->changing);
    atomic_store(&race->in_force, next);
    return true;
}

static void one_round(struct race *race, bool rebuild)
{
    struct drawn_change changes[BATCH];
    uint64_t before = atomic_load(&race->in_force);
    while (before + BATCH >= atomic_load(&race->oldest) + RING && !atomic_load(&race->broken))
        sched_yield(); /* the answers to overwrite are still needed */
    if (rebuild || classify_wants_rebuild(race->changing.image))
        changing_rebuild(&race->changing);
    for (unsigned i = 0; i < BATCH; i++) {
        changing_draw(&race->changing, 3, &changes[i]);
        note_answers(race, before + 1 + i);
    }
    unsigned made = 0;
    while (made < BATCH && make_change(race, &changes[made]))
        made++;
    if (made < BATCH)
        start_again(race, before + BATCH);
    changing_rebuilt(&race->changing);
    for (unsigned i = 0; i < BATCH; i++)
        drawn_change_free(&changes[i]);
}

static void run_race(struct race *race, const struct scenario *scenario, struct kernel_side *kernel,
                     uint64_t seed)
{
    pthread_t asker;
    changing_begin(&race->changing, scenario->name, scenario->count, kernel, seed);
    policy_set_trace(&race->changing.set, 5, 0, race->keys, KEYS, &race->changing.random);
    set_keys(race);
    note_answers(race, 0);
    if (pthread_create(&asker, NULL, ask, race) != 0) {
        fprintf(stderr, "no thread\n");
        exit(1);
    }
    for (unsigned long round = 0; round < scenario->rounds && !atomic_load(&race->broken); round++)
        one_round(race, round % 4 == 0);
    atomic_store(&race->over, true);
    pthread_join(asker, NULL);
}

static bool run_scenario(const struct scenario *scenario, struct kernel_side *kernel, uint64_t seed,
                         unsigned number)
{
    struct race *race = calloc(1, sizeof *race);
    if (race == NULL) {
        fprintf(stderr, "out of memory\n");
        exit(1);
    }
    run_race(race, scenario, kernel, seed);
    bool good = race->differences == 0 && !atomic_load(&race->broken);
    printf("# %lu changes, %lu rebuilds, %lu whole images; %lu runs of %d keys, %lu of them while "
           "policies changed; %lu wrong answers\n",
           race->changing.changes, race->changing.rebuilds, race->changing.whole, race->runs,
           DIFFERENTIAL_KEYS, race->overlapped, race->differences);
    printf("%s %u - %s of %zu filters: every answer is that of a policy in force\n",
           good ? "ok" : "not ok", number, scenario->name, race->changing.set.count);
    fflush(stdout);
    changing_end(&race->changing);
    free(race);
    return good;
}

int main(int argc, char **argv)
{
    const struct scenario_test test = {
        .usage = "differential-concurrent OBJECT [SET COUNT ROUNDS [SEED]]",
        .scenarios = scenarios,
        .count = sizeof scenarios / sizeof scenarios[0],
        .seed = SEED,
        .kernel_only = true,
        .run = run_scenario};
    return scenarios_main(&test, argc, argv);
}
