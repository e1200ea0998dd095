#include "shims/bpf/policy_arena.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "classify/grace.h"

#define ARENA_BYTES   ((uint64_t)CLASSIFY_PLACES * CLASSIFY_PLACE)
#define FIRST_ADDRESS 0x1001u /* in units of the arena's size, as it must be a multiple of it */
#define ADDRESSES     0x2fffu

/* An image knows nothing of its arena, and may be freed after it. */
static struct policy_arena *all;

static size_t page_size(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

static struct classify_arena *head_of(const struct policy_arena *arena)
{
    return (struct classify_arena *)(void *)arena->bytes;
}

static uint32_t offset_of_place(uint32_t place)
{
    return place * CLASSIFY_PLACE + CLASSIFY_PLACE_HEAD;
}

static bool is_in_force(const struct policy_arena *arena, uint32_t place)
{
    return head_of(arena)->in_force == offset_of_place(place);
}

/* ---- emptying ---- */

static int forget(const struct policy_arena *arena, uint32_t place)
{
    struct classify_forget what = {offset_of_place(place), head_of(arena)->pages[place]};
    LIBBPF_OPTS(bpf_test_run_opts, options, .ctx_in = &what, .ctx_size_in = sizeof(what));

    if (arena->sleepers)
        pthread_mutex_lock(arena->sleepers);
    int result = bpf_prog_test_run_opts(arena->forget, &options) ? -errno : 0;
    if (arena->sleepers)
        pthread_mutex_unlock(arena->sleepers);
    return result;
}

/* Lookups that began when it was in force may still read there. What can't be given back now is
 * when the place is wanted again. */
static int empty(const struct policy_arena *arena, uint32_t place)
{
    uint32_t *pages = &head_of(arena)->pages[place];
    int result = !*pages ? 0 : grace_wait() ? forget(arena, place) : -EAGAIN;

    if (!result)
        *pages = 0;
    return result;
}

static void *run_emptier(void *ctx)
{
    const struct policy_arena *arena = ctx;

    empty(arena, arena->place);
    return NULL;
}

static void await_emptier(struct policy_arena *arena)
{
    if (arena->emptying)
        pthread_join(arena->emptier, NULL);
    arena->emptying = false;
}

static void empty_in_background(struct policy_arena *arena, uint32_t place)
{
    await_emptier(arena);
    arena->place = place;
    arena->emptying = !pthread_create(&arena->emptier, NULL, run_emptier, arena);
}

/* ---- opening ---- */

uint32_t policy_arena_pages(void)
{
    return (uint32_t)(ARENA_BYTES / page_size());
}

/* Programs and all processes see it at one address. Offsets are its lower half. */
uint64_t policy_arena_address(void)
{
    uint16_t number = 0;

    if (getrandom(&number, sizeof(number), GRND_NONBLOCK) < 0)
        number = (uint16_t)getpid();
    return (uint64_t)(FIRST_ADDRESS + number % ADDRESSES) * ARENA_BYTES;
}

static int describe(int map, struct bpf_map_info *info)
{
    uint32_t size = sizeof(*info);

    memset(info, 0, size);
    return bpf_obj_get_info_by_fd(map, info, &size) ? -errno : 0;
}

bool policy_arena_is(int map)
{
    struct bpf_map_info info;

    return !describe(map, &info) && info.type == CLASSIFY_MAP_TYPE_ARENA;
}

int policy_arena_open(struct policy_arena *arena, int map, pthread_mutex_t *sleepers)
{
    struct bpf_map_info info;
    int result = describe(map, &info);

    if (result)
        return result;
    void *bytes = mmap((void *)(uintptr_t)info.map_extra, ARENA_BYTES, PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_FIXED_NOREPLACE, map, 0);
    if (bytes == MAP_FAILED)
        return -errno;
    *arena = (struct policy_arena){.bytes = bytes, .forget = -1, .sleepers = sleepers, .next = all};
    all = arena;
    return 0;
}

void policy_arena_close(struct policy_arena *arena)
{
    struct policy_arena **link = &all;

    if (!arena->bytes)
        return;
    await_emptier(arena);
    while (*link != arena)
        link = &(*link)->next;
    *link = arena->next;
    munmap(arena->bytes, ARENA_BYTES);
    if (arena->forget >= 0)
        close(arena->forget);
    arena->bytes = NULL;
}

bool policy_arena_is_used(const struct policy_arena *arena)
{
    for (uint32_t place = 0; place < CLASSIFY_PLACES; place++)
        if (head_of(arena)->pages[place])
            return true;
    return false;
}

/* Another code may have been loaded since. */
int policy_arena_set_forget(struct policy_arena *arena, int program)
{
    int copy = fcntl(program, F_DUPFD_CLOEXEC, 3);

    if (copy < 0)
        return -errno;
    await_emptier(arena);
    if (arena->forget >= 0)
        close(arena->forget);
    arena->forget = copy;
    return 0;
}

/* ---- places ---- */

static uint64_t offset_in(const struct policy_arena *arena, const void *mapping)
{
    return (uintptr_t)mapping - (uintptr_t)arena->bytes;
}

static void release(void *mapping, size_t size)
{
    struct policy_arena *arena = all;

    while (arena && offset_in(arena, mapping) >= ARENA_BYTES)
        arena = arena->next;
    if (!arena)
        return;
    uint32_t place = (uint32_t)(offset_in(arena, mapping) / CLASSIFY_PLACE);
    arena->lived_in[place] = false;
    if (!is_in_force(arena, place))
        empty_in_background(arena, place);
}

/* Pages of zeros are not touched: they come when something is written there. Returns how many were.
 */
static size_t copy(uint8_t *to, const uint8_t *from, size_t size)
{
    static const uint8_t zeros[1 << 16];
    size_t page = page_size(), copied = 0;

    for (size_t at = 0; at < size; at += page) {
        size_t length = size - at < page ? size - at : page;

        if (!memcmp(from + at, zeros, length))
            continue;
        memcpy(to + at, from + at, length);
        copied++;
    }
    return copied;
}

static int find_place(struct policy_arena *arena)
{
    await_emptier(arena);
    for (uint32_t place = 0; place < CLASSIFY_PLACES; place++)
        if (!arena->lived_in[place] && !is_in_force(arena, place) && !empty(arena, place))
            return (int)place;
    return -EBUSY;
}

int policy_arena_place(struct policy_arena *arena, struct classify_image *image)
{
    int place = image->size > CLASSIFY_PLACE - CLASSIFY_PLACE_HEAD ? -E2BIG : find_place(arena);

    if (place < 0)
        return place;
    uint8_t *to = arena->bytes + offset_of_place((uint32_t)place);
    head_of(arena)->pages[place] = (uint32_t)((image->size + page_size() - 1) / page_size());
    size_t copied = copy(to, image->memory, image->used);
    classify_image_adopt(image, to, release);
    image->size = copied * page_size();
    arena->lived_in[place] = true;
    return 0;
}

void policy_arena_enforce(struct policy_arena *arena, const struct classify_image *image)
{
    struct classify_arena *head = head_of(arena);
    uint32_t before = head->in_force;

    __atomic_store_n(&head->in_force, (uint32_t)(image->memory - arena->bytes), __ATOMIC_RELEASE);
    if (before && !arena->lived_in[before / CLASSIFY_PLACE])
        empty_in_background(arena, before / CLASSIFY_PLACE);
}

const uint8_t *policy_arena_in_force(const struct policy_arena *arena)
{
    uint32_t offset = head_of(arena)->in_force;

    return offset ? arena->bytes + offset : NULL;
}
