/*
 * What one classify costs, without a socket: compiling a policy, and the walk of its filters in
 * user space and in the kernel (BPF_PROG_TEST_RUN of the code that the shim runs).
 *
 *   bench-classify OBJECT [--json]
 *
 * Compiling and user space are in CPU time, the kernel as BPF_PROG_TEST_RUN has it; each figure is
 * the best of ROUNDS. Every filter is on a remote address and port. "miss": none matches; "last":
 * the lightest does.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <fwpmu.h>

#include "../tests/classify/kernel_side.h"
#include "classify/evaluate.h"
#include "model/layers.h"

#define MOST   100000u
#define ROUNDS 5

struct policy {
    FWPM_FILTER0 filters[MOST];
    FWPM_FILTER_CONDITION0 conditions[MOST][2];
    struct model_view_filter view[MOST];
};

struct row {
    unsigned filters;
    double compile_ms;
    double user[2], kernel[2]; /* ns: miss, last; 0 = not measured */
};

static double now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static void policy_make(struct policy *policy)
{
    for (uint32_t i = 0; i < MOST; i++) {
        policy->conditions[i][0] = (FWPM_FILTER_CONDITION0){
            .fieldKey = FWPM_CONDITION_IP_REMOTE_ADDRESS,
            .conditionValue = {.type = FWP_UINT32, .uint32 = 0x0a000000u + i}};
        policy->conditions[i][1] =
            (FWPM_FILTER_CONDITION0){.fieldKey = FWPM_CONDITION_IP_REMOTE_PORT,
                                     .conditionValue = {.type = FWP_UINT16, .uint16 = 443}};
        policy->filters[i] = (FWPM_FILTER0){.layerKey = FWPM_LAYER_ALE_AUTH_CONNECT_V4,
                                            .filterId = i + 1,
                                            .numFilterConditions = 2,
                                            .filterCondition = policy->conditions[i],
                                            .action.type = FWP_ACTION_PERMIT};
        policy->view[i] = (struct model_view_filter){
            .filter = &policy->filters[i], .weight = MOST - i, .sublayer_weight = 1};
    }
}

static struct classify_walk walk_to(uint32_t address)
{
    struct classify_walk walk = {.layer = layer_by_key(&FWPM_LAYER_ALE_AUTH_CONNECT_V4)->id,
                                 .key.present = 1ull << CLASSIFY_REMOTE_ADDRESS |
                                                1ull << CLASSIFY_REMOTE_PORT};
    walk.key.value[CLASSIFY_REMOTE_ADDRESS] = address;
    walk.key.value[CLASSIFY_REMOTE_PORT] = 443;
    return walk;
}

static unsigned repeats(unsigned filters)
{
    return 4000000u / (filters + 100) + 10;
}

static double time_user(const struct classify_image *image, struct classify_walk walk, unsigned n)
{
    double start = now_ns();
    for (unsigned i = 0; i < n; i++) {
        classify_evaluate(image, &walk, NULL);
        __asm__ volatile("" ::"r"(&walk) : "memory");
    }
    return (now_ns() - start) / n;
}

static void keep_best(double *best, double figure)
{
    if (figure > 0 && (*best == 0 || figure < *best))
        *best = figure;
}

static void measure_round(struct row *row, const struct policy *policy, struct kernel_side *kernel)
{
    const struct classify_walk walks[] = {walk_to(1), walk_to(0x0a000000u + row->filters - 1)};
    struct classify_image *image;
    struct model_error error;
    double start = now_ns();
    if (classify_compile(policy->view, row->filters, &(struct classify_intern){0}, &image,
                         &error)) {
        fprintf(stderr, "%s\n", error.text);
        exit(1);
    }
    keep_best(&row->compile_ms, (now_ns() - start) / 1e6);
    bool loaded = kernel != NULL && kernel_side_load(kernel, image);
    for (int i = 0; i < 2; i++) {
        keep_best(&row->user[i], time_user(image, walks[i], repeats(row->filters)));
        if (!loaded)
            continue;
        kernel_side_walks(kernel)[0] = walks[i];
        keep_best(&row->kernel[i], kernel_side_time(kernel, repeats(row->filters)));
    }
    classify_image_free(image);
}

static void print_table(const struct row *rows, size_t count)
{
    printf("%8s %11s %12s %12s %12s %12s\n", "filters", "compile ms", "user miss", "user last",
           "kernel miss", "kernel last");
    for (size_t i = 0; i < count; i++)
        printf("%8u %11.2f %9.0f ns %9.0f ns %9.0f ns %9.0f ns\n", rows[i].filters,
               rows[i].compile_ms, rows[i].user[0], rows[i].user[1], rows[i].kernel[0],
               rows[i].kernel[1]);
}

static void print_json(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        printf("%s{\"filters\": %u, \"compile_ms\": %.3f, \"user_miss_ns\": %.1f, "
               "\"user_last_ns\": %.1f, \"kernel_miss_ns\": %.1f, \"kernel_last_ns\": %.1f}%s\n",
               i == 0 ? "[" : " ", rows[i].filters, rows[i].compile_ms, rows[i].user[0],
               rows[i].user[1], rows[i].kernel[0], rows[i].kernel[1], i + 1 < count ? "," : "]");
}

int main(int argc, char **argv)
{
    static struct policy policy;
    static const unsigned sizes[] = {1, 10, 100, 1000, 10000, MOST};
    struct row rows[sizeof sizes / sizeof sizes[0]];
    size_t count = sizeof sizes / sizeof sizes[0];
    if (argc < 2) {
        fprintf(stderr, "usage: bench-classify OBJECT [--json]\n");
        return 2;
    }
    struct kernel_side *kernel = kernel_side_open(argv[1]);
    policy_make(&policy);
    for (size_t i = 0; i < count; i++) {
        rows[i] = (struct row){.filters = sizes[i]};
        for (int round = 0; round < ROUNDS; round++)
            measure_round(&rows[i], &policy, kernel);
    }
    (argc > 2 && strcmp(argv[2], "--json") == 0 ? print_json : print_table)(rows, count);
    kernel_side_close(kernel);
    return 0;
}
