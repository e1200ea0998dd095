#include "account.h"

#include <stdlib.h>

struct account {
    struct account *next;
    uint32_t uid;
    unsigned clients;
    uint64_t bytes;
};

static struct account *find(struct accounts *accounts, uint32_t uid)
{
    struct account *account = accounts->first;

    while (account && account->uid != uid)
        account = account->next;
    if (account)
        return account;
    account = calloc(1, sizeof(*account));
    if (!account)
        return NULL;
    account->uid = uid;
    account->next = accounts->first;
    accounts->first = account;
    return account;
}

static void drop_unused(struct accounts *accounts, struct account *account)
{
    struct account **link = &accounts->first;

    if (account->clients)
        return;
    while (*link != account)
        link = &(*link)->next;
    *link = account->next;
    free(account);
}

struct account *account_join(struct accounts *accounts, uint32_t uid)
{
    struct account *account = find(accounts, uid);

    if (!account)
        return NULL;
    if (uid &&
        (account->clients >= ACCOUNT_USER_CLIENTS || accounts->clients >= ACCOUNT_ALL_CLIENTS)) {
        drop_unused(accounts, account);
        return NULL;
    }
    account->clients++;
    accounts->clients += uid != 0;
    return account;
}

void account_leave(struct accounts *accounts, struct account *account)
{
    account->clients--;
    accounts->clients -= account->uid != 0;
    drop_unused(accounts, account);
}

bool account_take(struct accounts *accounts, struct account *account, size_t bytes)
{
    if (account->uid == 0)
        return true;
    if (bytes > ACCOUNT_USER_BYTES - account->bytes || bytes > ACCOUNT_ALL_BYTES - accounts->bytes)
        return false;
    account->bytes += bytes;
    accounts->bytes += bytes;
    return true;
}

void account_give(struct accounts *accounts, struct account *account, size_t bytes)
{
    if (account->uid == 0)
        return;
    account->bytes -= bytes;
    accounts->bytes -= bytes;
}
