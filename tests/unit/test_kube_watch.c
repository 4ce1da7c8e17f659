/* Goal: a watch gives exactly the events that the server sent, wherever its bytes are cut, and ends once with the right
 * error: an orderly end, a cut, ERROR events, refusals, lines that are no events, events without end; it may be cancelled
 * or freed, with its client, inside each of its callbacks.
 * Method: a scripted server in the lab that answers each connection with the bytes of the test, in two pieces. */
#include "tests/unit/support/lab.h"

#define HEAD "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"
#define EVENT(TYPE, NAME, RV)                                                                      \
    "{\"type\":\"" TYPE "\",\"object\":{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\","             \
    "\"metadata\":{\"name\":\"" NAME "\",\"resourceVersion\":\"" RV "\"}}}\n"

enum trick { NOTHING, CANCEL, FREE_CLIENT };

struct scene {
    struct lab *l;
    struct sim_process *server;
    struct world_stream *stream;
    struct world_timer *second;
    struct str answer;
    size_t cut; /* the first piece's length */
    bool mute;  /* takes the request and says nothing */
    struct kube_client *client;
    struct kube_watch *watch;
    enum trick on_open, on_event, on_done;
    struct buf events; /* "A a 1;..." */
    int opens, ends;
    enum err_code code;
    bool failed;
};

/* ---- the server ---- */

static void on_second(void *owner)
{
    struct scene *s = owner;
    if (!s->stream)
        return;
    world_stream_write(s->stream, str_sub(s->answer, s->cut, s->answer.n));
    struct world_stream *stream = s->stream;
    s->stream = NULL;
    world_stream_close(stream);
}
static void on_request(void *owner, struct str bytes)
{
    struct scene *s = owner;
    (void)bytes; /* a request fits into one segment */
    if (s->mute)
        return;
    world_stream_write(s->stream, str_sub(s->answer, 0, s->cut));
    world_timer_start(s->second, 20 * MS);
}
static void on_end(void *owner)
{
    (void)owner;
}
static void on_closed(void *owner, const struct err *err)
{
    (void)err;
    ((struct scene *)owner)->stream = NULL;
}
static const struct world_stream_handler server_handler = {NULL, on_request, on_end, NULL,
                                                           on_closed};
static void on_accept(void *owner, struct world_stream *stream)
{
    struct scene *s = owner;
    s->stream = stream;
    world_stream_attach(stream, &server_handler, s);
}

/* ---- the client ---- */

static void play(struct scene *s, enum trick trick)
{
    if (trick == CANCEL)
        kube_watch_cancel(s->watch);
    if (trick == FREE_CLIENT) {
        kube_client_free(s->client);
        s->client = NULL;
    }
    if (trick != NOTHING)
        s->watch = NULL;
}
static void on_open(void *owner)
{
    struct scene *s = owner;
    s->opens++;
    play(s, s->on_open);
}
static void on_event(void *owner, enum kube_event type, struct kube_object *o)
{
    struct scene *s = owner;
    buf_addf(&s->events, "%c " STR_FMT " %llu;", "AMDB"[type], STR_ARG(o->name),
             (unsigned long long)o -> resource_version);
    play(s, s->on_event);
}
static void on_done(void *owner, const struct err *err)
{
    struct scene *s = owner;
    s->watch = NULL;
    s->ends++;
    s->failed = err != NULL;
    s->code = err ? err->code : ERR_INTERNAL;
    if (s->on_done == FREE_CLIENT)
        play(s, FREE_CLIENT);
}
static const struct kube_watch_handler handler = {on_open, on_event, on_done};

static void open_scene(struct scene *s)
{
    *s = (struct scene){.l = lab_new(1)};
    s->server = lab_process(s->l, "server", "10.0.0.9", "site/server", NULL, NULL);
    struct world *w = sim_process_world(s->server);
    struct world_listen o = {.address = world_addr_make(STR("0.0.0.0"), 80)};
    struct world_listener *listener = NULL;
    check_ok(world_listen(w, &o, on_accept, s, &listener));
    s->second = world_timer_new(w, on_second, s);
}
static void close_scene(struct scene *s)
{
    kube_client_free(s->client);
    world_timer_free(s->second);
    buf_free(&s->events);
    lab_free(s->l);
}

/* Watches an answer that comes cut at this byte, to its end. */
static void watch_bytes(struct scene *s, struct str answer, size_t cut)
{
    static const struct kube_target target = {.gvr = KUBE_GVR("", "v1", "configmaps")};
    struct kube_context c = {.address = world_addr_make(STR("10.0.0.9"), 80), .plain = true};
    kube_client_free(s->client);
    s->client = kube_client_new(lab_world(s->l), &c);
    s->answer = answer;
    s->cut = cut;
    s->opens = s->ends = 0;
    s->failed = false;
    buf_clear(&s->events);
    s->watch = kube_watch_start(s->client, &target, 7, 60, &handler, s);
    lab_run(s->l, 200 * MS);
}

static void test_cut_everywhere(void **state)
{
    (void)state;
    static const struct str answer = STR_INIT(HEAD EVENT("ADDED", "a", "8") EVENT(
        "MODIFIED", "a", "9") "\n" EVENT("DELETED", "a", "10") EVENT("BOOKMARK", "", "12"));
    struct scene s;
    open_scene(&s);
    for (size_t cut = 1; cut < answer.n; cut++) {
        watch_bytes(&s, answer, cut);
        check_str(buf_str(&s.events), "A a 8;M a 9;D a 10;B  12;");
        assert_int_equal(s.opens, 1);
        assert_int_equal(s.ends, 1);
        assert_false(s.failed);
    }
    close_scene(&s);
}

#define LONG_HEAD HEAD "{\"type\":\"ADDED\",\"object\":{"

static void test_ends(void **state)
{
    (void)state;
    static const struct {
        const char *answer, *events, *code; /* code NULL: in order */
    } rows[] = {
        {HEAD, "", NULL},
        {HEAD EVENT("ADDED", "a", "8") "{\"type\":\"ADDED\",\"obj", "A a 8;", NULL},
        {HEAD EVENT("ADDED", "a", "8") "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\","
                                       "\"code\":410,\"reason\":\"Expired\","
                                       "\"message\":\"too old\"}}\n" EVENT("ADDED", "b", "9"),
         "A a 8;", "gone"},
        {HEAD "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"code\":500}}\n", "",
         "internal"},
        {HEAD "{\"type\":\"ERROR\",\"object\":[1]}\n", "", "internal"},
        {HEAD "nonsense\n", "", "protocol"},
        {HEAD "{\"type\":\"ADDED\"}\n", "", "invalid"},
        {HEAD "{\"type\":\"ADDED\",\"object\":[]}\n", "", "invalid"},
        {HEAD "{\"type\":\"RENAMED\",\"object\":{\"metadata\":{\"name\":\"a\"}}}\n", "",
         "protocol"},
        {HEAD "{ \"object\" : {\"metadata\":{\"name\":\"a\",\"resourceVersion\":\"5\"}}, "
              "\"type\" : \"ADDED\" }\n",
         "A a 5;", NULL},
        {"HTTP/1.1 410 Gone\r\nContent-Length: 2\r\n\r\n{}", "", "gone"},
        {"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", "", "unavailable"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n" EVENT("ADDED", "a", "8"), "A a 8;",
         "eof"},
        {"rubbish\r\n\r\n", "", "protocol"},
    };
    struct scene s;
    open_scene(&s);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        watch_bytes(&s, str_c(rows[i].answer), strlen(rows[i].answer) - 1);
        const char *code = s.failed ? err_code_name(s.code) : "none";
        if (s.ends != 1 || strcmp(code, rows[i].code ? rows[i].code : "none") != 0)
            fail_msg("row %zu: %d ends, %s", i, s.ends, code);
        check_str(buf_str(&s.events), rows[i].events);
    }
    close_scene(&s);
}

/* An event whose end does not come within the bound ends the watch; so does one whose end comes just beyond it, and one
 * behind an event that came in two pieces. */
static void test_too_long(void **state)
{
    (void)state;
    struct scene s;
    open_scene(&s);
    struct buf answer = {0}, after = {0};
    buf_add_c(&answer, LONG_HEAD);
    while (answer.n < sizeof LONG_HEAD + KUBE_OBJECT_BYTES_MAX)
        buf_add_c(&answer, "                                                                ");
    for (int with_end = 0; with_end < 2; with_end++) {
        if (with_end)
            buf_add_c(&answer, "\n");
        watch_bytes(&s, buf_str(&answer), sizeof HEAD - 1);
        lab_run(s.l, 30 * S);
        assert_int_equal(s.ends, 1);
        assert_string_equal(err_code_name(s.code), "too-large");
    }
    buf_add_c(&after, HEAD EVENT("ADDED", "a", "8"));
    buf_add(&after, str_sub(buf_str(&answer), sizeof HEAD - 1, answer.n - 1));
    watch_bytes(&s, buf_str(&after), sizeof HEAD + 10);
    lab_run(s.l, 30 * S);
    check_str(buf_str(&s.events), "A a 8;");
    assert_int_equal(s.ends, 1);
    assert_string_equal(err_code_name(s.code), "too-large");
    buf_free(&answer);
    buf_free(&after);
    close_scene(&s);
}

static void test_tricks(void **state)
{
    (void)state;
    static const struct str answer =
        STR_INIT(HEAD EVENT("ADDED", "a", "8") EVENT("MODIFIED", "a", "9"));
    static const struct {
        enum trick on_open, on_event, on_done;
        const char *events;
        int ends;
    } rows[] = {
        {CANCEL, NOTHING, NOTHING, "", 0},
        {FREE_CLIENT, NOTHING, NOTHING, "", 0},
        {NOTHING, CANCEL, NOTHING, "A a 8;", 0},
        {NOTHING, FREE_CLIENT, NOTHING, "A a 8;", 0},
        {NOTHING, NOTHING, FREE_CLIENT, "A a 8;M a 9;", 1},
    };
    struct scene s;
    open_scene(&s);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        /* whole events in one piece, and an event that began in the piece before */
        const size_t cuts[] = {answer.n - 1, sizeof HEAD + 10};
        for (size_t c = 0; c < ARRAY_LEN(cuts); c++) {
            s.on_open = rows[i].on_open;
            s.on_event = rows[i].on_event;
            s.on_done = rows[i].on_done;
            watch_bytes(&s, answer, cuts[c]);
            check_str(buf_str(&s.events), rows[i].events);
            assert_int_equal(s.ends, rows[i].ends);
        }
    }
    close_scene(&s);
}

static void test_silence_before_the_head(void **state)
{
    (void)state;
    struct scene s;
    open_scene(&s);
    s.mute = true;
    watch_bytes(&s, STR(HEAD), 0);
    lab_run(s.l, KUBE_CALL_TIMEOUT + S);
    assert_int_equal(s.ends, 1);
    assert_string_equal(err_code_name(s.code), "timeout");
    close_scene(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cut_everywhere),
        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_too_long),
        cmocka_unit_test(test_tricks),
        cmocka_unit_test(test_silence_before_the_head),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
