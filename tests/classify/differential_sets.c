/*
 * The differential test on whole policies: seeds of up to 100,000 filters and adversaries. The
 * naive reference, the lookup in user space and the lookup in the kernel must give the same answer
 * about every key. What differs is shrunk to the few filters that it takes.
 *
 *   differential-sets OBJECT|- [quick]
 *   differential-sets OBJECT|- SET COUNT KEYS [SEED]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agreement.h"

#define SEED       20260301u
#define MOST_BLAME 4 /* sets that are shrunk, which takes long */

/* What takes time is the reference: it looks at each filter for each key. */
static const struct size {
    size_t seeds, adversaries; /* filters; 0: none */
    size_t seed_keys, adversary_keys;
} sizes[] = {
    {10, 20, 4096, 4096},
    {1000, 1000, 16384, 4096},
    {10000, 10000, 2048, 512},
    {100000, 0, 256, 0},
};

struct test {
    struct policy_set set;
    struct reference_filter *reference;
    struct classify_image *image;
    struct kernel_side *kernel;
    uint64_t seed;
    unsigned blamed;
    unsigned long keys, matched, blocked, differences, kernel_differences;
};

static void say_which(const struct test *test)
{
    printf("# %s of %zu filters, seed %llu\n", test->set.name, test->set.count,
           (unsigned long long)test->seed);
}

static void report(struct test *test, bool kernel, const struct classify_key *key,
                   const struct reference_result *reference, const struct classify_result *result)
{
    unsigned long *differences = kernel ? &test->kernel_differences : &test->differences;
    if ((*differences)++ != 0)
        return;
    say_which(test);
    agreement_print_reference(reference);
    agreement_print(kernel ? "the kernel" : "the lookup", result);
    agreement_print_key(&test->set, key);
    if (test->blamed++ < MOST_BLAME)
        agreement_blame(&test->set, key, kernel ? test->kernel : NULL);
    if (kernel && !kernel_side_load(test->kernel, test->image))
        exit(1);
}

static void ask_kernel(struct test *test, const struct classify_key *keys, size_t count)
{
    for (size_t i = 0; i < count; i++)
        kernel_side_walks(test->kernel)[i] = agreement_walk(&test->set, test->image, &keys[i]);
    if (!kernel_side_decide(test->kernel))
        exit(1);
}

static void compare_batch(struct test *test, const struct classify_key *keys, size_t count)
{
    static struct classify_result kernel[DIFFERENTIAL_KEYS];
    if (test->kernel != NULL) {
        ask_kernel(test, keys, count);
        for (size_t i = 0; i < count; i++)
            kernel[i] = kernel_side_walks(test->kernel)[i].result;
    }
    for (size_t i = 0; i < count; i++) {
        struct reference_result reference =
            agreement_reference(&test->set, test->reference, test->set.count, &keys[i]);
        struct classify_walk walk = agreement_walk(&test->set, test->image, &keys[i]);
        classify_evaluate(test->image, &walk, &agreement_trace);
        if (!agreement_holds(&reference, &walk.result))
            report(test, false, &keys[i], &reference, &walk.result);
        if (test->kernel != NULL && !agreement_holds(&reference, &kernel[i]))
            report(test, true, &keys[i], &reference, &kernel[i]);
        test->matched += reference.filter_id != 0;
        test->blocked += reference.action == FWP_ACTION_BLOCK;
    }
    if (!agreement_trace_holds(&test->set, test->image, test->reference, test->set.count, keys) &&
        test->differences++ == 0)
        say_which(test);
    test->keys += count;
}

static bool compile(struct test *test)
{
    struct model_error error;
    uint32_t code =
        classify_compile(test->set.view, test->set.count, &policy_set_intern, &test->image, &error);
    if (code != 0)
        printf("# %s of %zu filters does not compile: %#x %s\n", test->set.name, test->set.count,
               code, error.text);
    return code == 0;
}

static void compare_set(struct test *test, size_t keys)
{
    static struct classify_key batch[DIFFERENTIAL_KEYS];
    struct random random = {.state = test->seed};
    test->differences = test->kernel_differences = test->keys = 0;
    test->matched = test->blocked = 0;
    if (!compile(test)) {
        test->differences = 1;
        return;
    }
    if (test->kernel != NULL && !kernel_side_load(test->kernel, test->image))
        exit(1);
    test->reference = policy_set_reference(&test->set);
    while (test->keys < keys) {
        size_t left = keys - test->keys,
               count = left < DIFFERENTIAL_KEYS ? left : DIFFERENTIAL_KEYS;
        policy_set_trace(&test->set, 10, 0, batch, count, &random);
        compare_batch(test, batch, count);
    }
    free(test->reference);
    classify_image_free(test->image);
}

/* ---- which sets, and what came of it ---- */

struct run {
    struct test test;
    unsigned number;
    unsigned long failures, kernel_failures;
};

static void run_set(struct run *run, const char *name, size_t count, size_t keys)
{
    struct test *test = &run->test;
    if (!policy_set_make(&test->set, name, count)) {
        fprintf(stderr, "differential-sets: no set is called %s\n", name);
        exit(2);
    }
    compare_set(test, keys);
    printf("# %lu keys, a filter stood in %lu, %lu blocked\n", test->keys, test->matched,
           test->blocked);
    printf("%s %u - %s of %zu filters: reference and lookup agree\n",
           test->differences == 0 ? "ok" : "not ok", ++run->number, name, test->set.count);
    fflush(stdout);
    run->failures += test->differences;
    run->kernel_failures += test->kernel_differences;
    policy_set_free(&test->set);
}

static bool is_seed(const char *name)
{
    return strncmp(name, "acl", 3) == 0 || strncmp(name, "fw", 2) == 0 ||
           strncmp(name, "ipc", 3) == 0;
}

static void run_all(struct run *run, bool quick)
{
    for (size_t s = 0; s < (quick ? 2 : sizeof sizes / sizeof sizes[0]); s++) {
        for (const char *const *name = policy_set_names; *name != NULL; name++) {
            size_t count = is_seed(*name) ? sizes[s].seeds : sizes[s].adversaries;
            size_t keys = is_seed(*name) ? sizes[s].seed_keys : sizes[s].adversary_keys;
            if (count != 0)
                run_set(run, *name, count, quick ? keys / 8 : keys);
        }
    }
}

int main(int argc, char **argv)
{
    static struct run run = {.test.seed = SEED};
    bool quick = argc == 3 && strcmp(argv[2], "quick") == 0;
    if (argc != 2 && !quick && argc != 5 && argc != 6) {
        fprintf(stderr, "usage: differential-sets OBJECT|- [quick | SET COUNT KEYS [SEED]]\n");
        return 2;
    }
    const char *skip = strcmp(argv[1], "-") == 0  ? "not asked for"
                       : !kernel_side_permitted() ? "BPF is not permitted here"
                                                  : NULL;
    run.test.kernel = skip == NULL ? kernel_side_open(argv[1]) : NULL;
    if (argc == 6)
        run.test.seed = strtoull(argv[5], NULL, 0);
    if (argc > 4)
        run_set(&run, argv[2], strtoul(argv[3], NULL, 0), strtoul(argv[4], NULL, 0));
    else
        run_all(&run, quick);
    bool kernel_agrees = skip != NULL || (run.test.kernel != NULL && run.kernel_failures == 0);
    printf("%s %u - the kernel agrees%s%s\n1..%u\n", kernel_agrees ? "ok" : "not ok",
           run.number + 1, skip != NULL ? " # SKIP " : "", skip != NULL ? skip : "",
           run.number + 1);
    kernel_side_close(run.test.kernel);
    return run.failures != 0 || !kernel_agrees;
}
