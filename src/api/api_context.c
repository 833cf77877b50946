/* api_context.c: contexts: what common makes of the options, with the kernels and the backend of the rooms above. */
#include "backend.h"
#include "kernels.h"
#include <stdlib.h>
#include <string.h>

weir_context_options weir_context_options_default(void) {
    return (weir_context_options){.struct_size = sizeof(weir_context_options)};
}

/* Callers built against an older header hand in a shorter struct: the rest keeps its defaults. */
static weir_status read_options(const weir_context_options *from, weir_context_options *to, weir_error *e) {
    *to = weir_context_options_default();
    if (!from)
        return WEIR_OK;
    if (from->struct_size < sizeof(size_t) || from->struct_size > sizeof *to)
        return w_fail(e, WEIR_USAGE, "context options: struct_size %zu, expected at most %zu (start from weir_context_options_default)",
                      from->struct_size, sizeof *to);
    memcpy(to, from, from->struct_size);
    return WEIR_OK;
}

/* The context itself is no part of its own account, but comes from the same allocator; made by hand in that of the caller,
 * else by malloc, whose blocks the default allocator of common releases too. */
static weir_context *allocate_context(const weir_allocator *a) {
    return a->allocate ? a->allocate(a->user, sizeof(weir_context), 64) : malloc(sizeof(weir_context));
}

static void release_context(const weir_allocator *a, weir_context *ctx) {
    if (a->release)
        a->release(a->user, ctx, sizeof *ctx);
    else
        free(ctx);
}

/* Planning for a stored machine: its instruction set, within the cap, its cache, and its threads unless the caller named a number. */
static weir_status take_stored(weir_context *ctx, int threads, weir_error *e) {
    const w_machine *m;
    uint32_t theirs = 0;
    W_TRY(w_machine_get(ctx, false, &m, e));
    weir_status s = m->isa[0] ? w_cpu_cap(UINT32_MAX, m->isa, &theirs, e) : w_fail(e, WEIR_USAGE, "no CPU set is named");
    if (s != WEIR_OK) {
        weir_error why = e ? *e : (weir_error){0};
        return w_fail(e, WEIR_BAD_INPUT, "%s: machine model: field 'isa': %.300s", ctx->machine_file, why.message);
    }
    ctx->cpu &= theirs;
    ctx->l2_bytes = m->level[W_L2].bytes;
    if (!threads) ctx->threads = m->threads;
    return WEIR_OK;
}

static weir_status fill(weir_context *ctx, const weir_context_options *o, weir_error *e) {
    if (ctx->plan_only && ctx->machine_file)
        W_TRY(take_stored(ctx, o->threads, e));
    w_kernels *k = w_alloc(ctx, sizeof *k);
    if (!k)
        return w_oom(e, sizeof *k, "the table of kernels");
    w_kernels_init(k, ctx->cpu);
    ctx->kernels = k;
    ctx->backend = &w_backend_cpu;
    return WEIR_OK;
}

weir_status weir_context_create(const weir_context_options *options, weir_context **out, weir_error *error) {
    weir_context_options o;
    *out = NULL;
    W_TRY(read_options(options, &o, error));
    if (!o.allocator.allocate != !o.allocator.release)
        return w_fail(error, WEIR_USAGE, "context options: an allocator needs both allocate and release");
    weir_context *ctx = allocate_context(&o.allocator);
    if (!ctx)
        return w_oom(error, sizeof *ctx, "a context");
    weir_status s = w_context_init(ctx, &o, error);
    if (s != WEIR_OK) {
        release_context(&o.allocator, ctx);
        return s;
    }
    s = fill(ctx, &o, error);
    if (s != WEIR_OK) {
        w_free(ctx, ctx->machine, sizeof *ctx->machine);
        w_context_fini(ctx);
        release_context(&o.allocator, ctx);
        return s;
    }
    *out = ctx;
    return WEIR_OK;
}

void weir_context_destroy(weir_context *context) {
    if (!context)
        return;
    w_free(context, (void *)context->kernels, sizeof *context->kernels);
    w_free(context, context->machine, sizeof *context->machine);
    w_context_fini(context);
    weir_allocator own = context->allocator;
    release_context(&own, context);
}

size_t weir_context_live_bytes(const weir_context *context) { return context->live; }
size_t weir_context_peak_bytes(const weir_context *context) { return context->peak; }
void weir_context_reset_peak(weir_context *context) { context->peak = context->live; }
int weir_context_threads(const weir_context *context) { return context->threads; }
const char *weir_context_cpu(const weir_context *context) { return w_cpu_name(context->cpu); }
const char *weir_version(void) { return WEIR_VERSION; }
const char *weir_commit(void) { return WEIR_COMMIT; }

weir_status weir_machine(weir_context *context, int refresh, weir_document **out, weir_error *error) {
    const w_machine *m;
    *out = NULL;
    W_TRY(w_machine_get(context, refresh != 0, &m, error));
    return w_machine_doc(m, out, error);
}
