/* From a request's kind to the function that serves it. */
#ifndef OPENWFP_BFE_DISPATCH_H
#define OPENWFP_BFE_DISPATCH_H

#include "client.h"

/*
 * Serves client->request: puts the result into client->reply and returns ERROR_SUCCESS, or leaves
 * the error in client->convert.error and returns its code, or MODEL_WOULD_BLOCK
 * or CLIENT_WAITS with no result.
 */
uint32_t dispatch(struct client *client);

/* The request takes the writer's lock, and others wait for it already: fairness (rule 9.4). */
bool dispatch_must_wait(const struct client *client);

typedef uint32_t call_fn(struct client *client, const Rpc__Request *request);

call_fn call_open, call_close, call_attach, call_txn_begin, call_txn_commit, call_txn_abort,
    call_option_get, call_option_set;                              /* dispatch_session.c */
call_fn call_add;                                                  /* dispatch_add.c */
call_fn call_add_many, call_delete_many;                           /* dispatch_many.c */
call_fn call_delete, call_get;                                     /* dispatch_object.c */
call_fn call_enum_create, call_enum_next, call_enum_destroy;       /* dispatch_enum.c */
call_fn call_subscribe, call_unsubscribe, call_collect;            /* dispatch_subscribe.c */
call_fn call_security_get, call_security_set;                      /* dispatch_security.c */
call_fn call_explain;                                              /* dispatch_explain.c */
call_fn call_callout_load, call_callout_unload, call_callout_list; /* dispatch_callout.c */
call_fn call_report, call_flow_list;                               /* dispatch_report.c */
call_fn call_hold;                                                 /* dispatch_held.c */
call_fn call_driver_load, call_driver_unload, call_driver_list, call_driver_callout_register,
    call_driver_callout_unregister, call_driver_ready; /* dispatch_driver.c */
call_fn call_classifier;                               /* dispatch_classifier.c */
call_fn call_held_list, call_held_answer;              /* dispatch_held.c */

/* Questions of hold filters are for administrators. */
uint32_t dispatch_held_allowed(struct client *client);

#endif
