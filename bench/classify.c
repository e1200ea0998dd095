/*
 * What one classify costs in a policy of tests/classify/policy_set.h, without a socket: compiling
 * it, and a lookup in user space and in the kernel.
 *
 *   bench-classify OBJECT|- SET COUNT
 *
 * Prints one JSON object. The kernel's figures are those of its BPF statistics. "spread": the
 * median over batches of keys drawn evenly inside the filters' boxes, each asked once; "again": one
 * such key asked again and again, the mean over several. OBJECT: tests/classify's linked object;
 * "-": without the kernel.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../tests/classify/differential.h"
#include "../tests/classify/kernel_side.h"
#include "../tests/classify/policy_set.h"
#include "classify/evaluate.h"
#include "classify/statistics.h"

#define BATCHES 100u
#define KEYS    (BATCHES * DIFFERENTIAL_KEYS)
#define PASSES  5u
#define HOT     32u

struct bench {
    struct policy_set set;
    struct classify_image *image;
    struct classify_key *keys;
    double compile_ms;
};

static double now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static int compare(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static double median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, compare);
    return values[count / 2];
}

static bool prepare(struct bench *bench, const char *name, size_t count)
{
    struct random random = {.state = 20261123};
    struct model_error error;
    if (!policy_set_make(&bench->set, name, count)) {
        fprintf(stderr, "no set is called %s\n", name);
        return false;
    }
    double start = now_ns();
    if (classify_compile(bench->set.view, bench->set.count, &policy_set_intern, &bench->image,
                         &error) != 0) {
        fprintf(stderr, "%s\n", error.text);
        return false;
    }
    bench->compile_ms = (now_ns() - start) / 1e6;
    bench->keys = calloc(KEYS, sizeof *bench->keys);
    if (bench->keys == NULL)
        return false;
    policy_set_trace(&bench->set, 0, 0, bench->keys, KEYS, &random);
    for (size_t i = 0; i < KEYS; i++)
        policy_set_user_bits(bench->image, &bench->keys[i]);
    return true;
}

/* ---- user space ---- */

static double user_spread(const struct bench *bench)
{
    double passes[PASSES];
    struct classify_walk walk = {.layer = bench->set.layer->id};
    for (unsigned pass = 0; pass < PASSES; pass++) {
        double start = now_ns();
        for (size_t i = 0; i < KEYS; i++) {
            walk.key = bench->keys[i];
            classify_evaluate(bench->image, &walk, NULL);
        }
        passes[pass] = (now_ns() - start) / KEYS;
    }
    return median(passes, PASSES);
}

static double user_again(const struct bench *bench)
{
    const unsigned repeat = 20000;
    double sum = 0;
    struct classify_walk walk = {.layer = bench->set.layer->id};
    for (unsigned i = 0; i < HOT; i++) {
        walk.key = bench->keys[i];
        double start = now_ns();
        for (unsigned n = 0; n < repeat; n++)
            classify_evaluate(bench->image, &walk, NULL);
        sum += (now_ns() - start) / repeat;
    }
    return sum / HOT;
}

/* ---- the kernel ---- */

static double kernel_spread(const struct bench *bench, struct kernel_side *kernel)
{
    double batches[BATCHES];
    struct classify_walk *walks = kernel_side_walks(kernel);
    for (size_t batch = 0; batch < BATCHES; batch++) {
        for (size_t i = 0; i < DIFFERENTIAL_KEYS; i++)
            walks[i] = (struct classify_walk){.key = bench->keys[batch * DIFFERENTIAL_KEYS + i],
                                              .layer = bench->set.layer->id};
        batches[batch] = kernel_side_measure_all(kernel);
    }
    return median(batches, BATCHES);
}

static double kernel_again(const struct bench *bench, struct kernel_side *kernel)
{
    double sum = 0;
    for (unsigned i = 0; i < HOT; i++) {
        kernel_side_walks(kernel)[0] =
            (struct classify_walk){.key = bench->keys[i], .layer = bench->set.layer->id};
        sum += kernel_side_measure_first(kernel, 20000);
    }
    return sum / HOT;
}

static void print_statistics(const struct bench *bench)
{
    static struct classify_statistics statistics;
    classify_statistics(bench->image, &statistics);
    const struct classify_layer_statistics *layer = &statistics.layers[0];
    double filters = (double)bench->set.count;
    printf(", \"trees\": %u, \"depth\": %u, \"longest\": %u, \"worst_steps\": %u", layer->trees,
           layer->depth, layer->longest, layer->worst_tests);
    printf(", \"record_bytes\": %.1f, \"tree_bytes\": %.1f, \"map_bytes\": %.1f",
           (double)layer->record_bytes / filters, (double)layer->tree_bytes / filters,
           (double)statistics.size / filters);
}

/* Statistics are of the memory where the kernel has it. */
static bool print_with_kernel(const struct bench *bench, const char *object)
{
    struct kernel_side *kernel = kernel_side_open(object);
    if (kernel == NULL || !kernel_side_load(kernel, bench->image))
        return false;
    print_statistics(bench);
    printf(", \"kernel_spread_ns\": %.0f", kernel_spread(bench, kernel));
    printf(", \"kernel_again_ns\": %.0f", kernel_again(bench, kernel));
    kernel_side_close(kernel);
    return true;
}

int main(int argc, char **argv)
{
    struct bench bench = {.image = NULL};
    if (argc != 4) {
        fprintf(stderr, "usage: bench-classify OBJECT|- SET COUNT\n");
        return 2;
    }
    if (!prepare(&bench, argv[2], strtoul(argv[3], NULL, 0)))
        return 1;
    printf("{\"set\": \"%s\", \"filters\": %zu, \"compile_ms\": %.1f", argv[2], bench.set.count,
           bench.compile_ms);
    printf(", \"user_spread_ns\": %.0f, \"user_again_ns\": %.0f", user_spread(&bench),
           user_again(&bench));
    bool done = true;
    if (strcmp(argv[1], "-") == 0)
        print_statistics(&bench);
    else
        done = print_with_kernel(&bench, argv[1]);
    printf("}\n");
    classify_image_free(bench.image);
    free(bench.keys);
    policy_set_free(&bench.set);
    return done ? 0 : 1;
}
