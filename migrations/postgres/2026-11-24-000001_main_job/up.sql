-- Text that is ordered or compared is in the "C" collation, which is also how SQLite orders it.

CREATE TABLE instance (
    id TEXT COLLATE "C" PRIMARY KEY,
    link_key TEXT NOT NULL
);

CREATE TABLE people (
    id TEXT PRIMARY KEY,
    net_id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    mail TEXT NOT NULL,
    -- Whether they run the installation.
    admin INTEGER NOT NULL,
    ssh_public_key TEXT,
    choices TEXT NOT NULL,
    -- Names and ids of their accounts at the sites, as JSON.
    cloud_users TEXT,
    created_at TIMESTAMPTZ NOT NULL,
    -- When they were erased: what is left says nothing of who they were.
    erased_at TIMESTAMPTZ
);

CREATE TABLE sessions (
    token_hash TEXT PRIMARY KEY,
    -- What its person names it by, which is no secret.
    id TEXT NOT NULL UNIQUE,
    person_id TEXT NOT NULL REFERENCES people (id),
    csrf TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    -- When it was last used, to within some minutes.
    seen_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL,
    -- What the browser calls itself.
    agent TEXT NOT NULL,
    -- Whether the identity provider said that they run the installation.
    admin INTEGER NOT NULL,
    -- As whom staff look at the pages, and until when; changes are refused meanwhile.
    acting_as TEXT REFERENCES people (id),
    acting_until TIMESTAMPTZ,
    -- Where they signed in, as the provider knows it.
    provider TEXT,
    subject TEXT,
    provider_session TEXT,
    id_token TEXT
);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);
CREATE INDEX sessions_of_person ON sessions (person_id);
CREATE INDEX sessions_by_subject ON sessions (provider, subject) WHERE subject IS NOT NULL;
CREATE INDEX sessions_by_provider_session ON sessions (provider, provider_session) WHERE provider_session IS NOT NULL;

-- Who has gone to an identity provider to sign in and has not come back yet. Each is used once.
CREATE TABLE sign_ins (
    state_hash TEXT PRIMARY KEY,
    -- Of a secret that the browser holds: nobody else can finish what it began.
    browser_hash TEXT NOT NULL,
    provider TEXT NOT NULL,
    nonce TEXT NOT NULL,
    verifier TEXT NOT NULL,
    return_to TEXT,
    expires_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX sign_ins_by_expiry ON sign_ins (expires_at);

-- Who someone is to an identity provider.
CREATE TABLE identities (
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    person_id TEXT NOT NULL REFERENCES people (id),
    linked_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (issuer, subject)
);
CREATE UNIQUE INDEX identities_one_of_a_person ON identities (person_id, issuer);

-- What programs sign in with: of each secret, the SHA-256.
CREATE TABLE api_tokens (
    id TEXT PRIMARY KEY,
    secret_hash TEXT NOT NULL UNIQUE,
    person_id TEXT NOT NULL REFERENCES people (id),
    name TEXT NOT NULL,
    -- What it may be used for, as JSON.
    scopes TEXT NOT NULL,
    made_by TEXT NOT NULL REFERENCES people (id),
    made_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL,
    used_at TIMESTAMPTZ,
    revoked_at TIMESTAMPTZ
);
CREATE INDEX api_tokens_of_person ON api_tokens (person_id, made_at);
CREATE INDEX api_tokens_that_sign_in ON api_tokens (expires_at) WHERE revoked_at IS NULL;

-- The address at which a person's calendar programs read: of its secret, the SHA-256.
CREATE TABLE calendar_addresses (
    person_id TEXT COLLATE "C" NOT NULL REFERENCES people (id),
    -- What is read there: 'own' or 'course'.
    feed TEXT COLLATE "C" NOT NULL,
    secret_hash TEXT COLLATE "C" NOT NULL UNIQUE,
    made_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (person_id, feed)
);

CREATE TABLE courses (
    id TEXT COLLATE "C" PRIMARY KEY,
    title TEXT NOT NULL,
    zone TEXT NOT NULL,
    contact TEXT NOT NULL,
    term TEXT,
    -- How the reaper deals with what is not a booking's.
    reaper TEXT NOT NULL,
    -- How usage counts, and who of those who wait comes first.
    fair_share TEXT NOT NULL,
    waitlist TEXT NOT NULL
);

-- What each person is in each course.
CREATE TABLE memberships (
    course_id TEXT NOT NULL REFERENCES courses (id),
    person_id TEXT NOT NULL REFERENCES people (id),
    role TEXT NOT NULL,
    -- Where they stand in the tree of shares.
    section TEXT,
    team TEXT,
    shares INTEGER NOT NULL,
    -- Whether they were added by hand: a roster does not drop them.
    by_hand INTEGER NOT NULL,
    joined_at TIMESTAMPTZ NOT NULL,
    -- From then on they book nothing, and when what they have booked ends.
    dropped_at TIMESTAMPTZ,
    bookings_end_at TIMESTAMPTZ,
    PRIMARY KEY (course_id, person_id)
);
CREATE INDEX memberships_of_person ON memberships (person_id);
CREATE INDEX memberships_of_team ON memberships (course_id, team, section) WHERE team IS NOT NULL;
CREATE INDEX memberships_ending ON memberships (bookings_end_at) WHERE bookings_end_at IS NOT NULL;

-- Rosters that staff brought: first what would change, and how far it is once it was confirmed.
CREATE TABLE roster_imports (
    id TEXT PRIMARY KEY,
    course_id TEXT NOT NULL REFERENCES courses (id),
    person_id TEXT REFERENCES people (id),
    at TIMESTAMPTZ NOT NULL,
    file_name TEXT NOT NULL,
    format TEXT NOT NULL,
    plan TEXT NOT NULL,
    -- Of the memberships that the plan was made from.
    fingerprint TEXT NOT NULL,
    state TEXT NOT NULL,
    total INTEGER NOT NULL,
    done INTEGER NOT NULL,
    finished_at TIMESTAMPTZ,
    claim_token TEXT,
    claim_until TIMESTAMPTZ
);
CREATE INDEX roster_imports_by_time ON roster_imports (course_id, at);
CREATE INDEX roster_imports_to_apply ON roster_imports (at) WHERE state = 'confirmed';

CREATE TABLE sites (
    id TEXT COLLATE "C" PRIMARY KEY,
    course_id TEXT COLLATE "C" NOT NULL REFERENCES courses (id),
    definition TEXT NOT NULL
);

CREATE TABLE pools (
    id TEXT COLLATE "C" PRIMARY KEY,
    site_id TEXT COLLATE "C" NOT NULL REFERENCES sites (id),
    definition TEXT NOT NULL
);

CREATE TABLE labs (
    id TEXT COLLATE "C" PRIMARY KEY,
    course_id TEXT COLLATE "C" NOT NULL REFERENCES courses (id),
    pool_id TEXT COLLATE "C" NOT NULL REFERENCES pools (id),
    position INTEGER NOT NULL,
    definition TEXT NOT NULL
);

-- Invariant 1: at no instant do the bookings of a pool exceed its capacity there.
CREATE TABLE occupancy (
    pool_id TEXT COLLATE "C" NOT NULL REFERENCES pools (id),
    cell TIMESTAMPTZ NOT NULL,
    capacity INTEGER NOT NULL,
    booked INTEGER NOT NULL,
    PRIMARY KEY (pool_id, cell),
    CONSTRAINT occupancy_within_capacity CHECK (booked <= capacity),
    CONSTRAINT occupancy_not_negative CHECK (booked >= 0)
);

-- The same for sites that bound their pools together: what the cells of their pools hold, summed.
CREATE TABLE site_occupancy (
    site_id TEXT COLLATE "C" NOT NULL REFERENCES sites (id),
    cell TIMESTAMPTZ NOT NULL,
    capacity INTEGER NOT NULL,
    booked INTEGER NOT NULL,
    PRIMARY KEY (site_id, cell),
    CONSTRAINT site_occupancy_within_capacity CHECK (booked <= capacity),
    CONSTRAINT site_occupancy_not_negative CHECK (booked >= 0)
);

CREATE TABLE bookings (
    id TEXT COLLATE "C" PRIMARY KEY,
    person_id TEXT COLLATE "C" NOT NULL REFERENCES people (id),
    lab_id TEXT COLLATE "C" NOT NULL REFERENCES labs (id),
    pool_id TEXT COLLATE "C" NOT NULL REFERENCES pools (id),
    label TEXT NOT NULL,
    units INTEGER NOT NULL,
    servers INTEGER NOT NULL,
    start_at TIMESTAMPTZ NOT NULL,
    end_at TIMESTAMPTZ NOT NULL,
    held_from TIMESTAMPTZ NOT NULL,
    -- Another end that was asked for; with a start, another slot.
    wanted_start TIMESTAMPTZ,
    wanted_end TIMESTAMPTZ,
    su_per_hour BIGINT NOT NULL,
    seat INTEGER,
    state TEXT NOT NULL,
    offered_until TIMESTAMPTZ,
    reason TEXT,
    preparing_at TIMESTAMPTZ,
    ready_at TIMESTAMPTZ,
    released_at TIMESTAMPTZ,
    ended_at TIMESTAMPTZ,
    trouble TEXT,
    version INTEGER NOT NULL,
    idempotency_key TEXT COLLATE "C",
    created_at TIMESTAMPTZ NOT NULL,
    next_step_at TIMESTAMPTZ,
    claim_token TEXT,
    claim_until TIMESTAMPTZ,
    nodes TEXT,
    -- Whether it costs nothing, since an outage hit it while it ran.
    waived INTEGER NOT NULL,
    -- The time that the usage ledger has of it.
    charged_from TIMESTAMPTZ,
    charged_until TIMESTAMPTZ,
    CONSTRAINT bookings_slot_not_empty CHECK (start_at < end_at)
);
-- Invariant 2: each live booking of a person takes one of the lab's numbered seats, and no seat twice.
CREATE UNIQUE INDEX bookings_one_per_seat ON bookings (person_id, lab_id, seat) WHERE seat IS NOT NULL;
CREATE UNIQUE INDEX bookings_idempotent ON bookings (person_id, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX bookings_of_person ON bookings (person_id, start_at);
CREATE INDEX bookings_by_start ON bookings (start_at);
CREATE INDEX bookings_to_step ON bookings (next_step_at) WHERE next_step_at IS NOT NULL;
CREATE INDEX bookings_unended_in_pool ON bookings (pool_id) WHERE ended_at IS NULL;
CREATE INDEX bookings_prepared ON bookings (lab_id, pool_id, ready_at) WHERE ready_at IS NOT NULL;
CREATE INDEX bookings_offered ON bookings (offered_until) WHERE offered_until IS NOT NULL;
CREATE INDEX bookings_freed ON bookings (pool_id, released_at) WHERE released_at IS NOT NULL;
CREATE INDEX bookings_live_by_end ON bookings (end_at) WHERE seat IS NOT NULL;

-- The same for pools whose nodes have names: no node is held twice at one instant. The booking is written after its places.
CREATE TABLE node_cells (
    pool_id TEXT COLLATE "C" NOT NULL REFERENCES pools (id),
    cell TIMESTAMPTZ NOT NULL,
    node TEXT COLLATE "C" NOT NULL,
    booking_id TEXT COLLATE "C" NOT NULL REFERENCES bookings (id) DEFERRABLE INITIALLY DEFERRED,
    PRIMARY KEY (pool_id, cell, node)
);

-- What staff grant to one person. What is taken back stays, with when and by whom.
CREATE TABLE exceptions (
    id TEXT COLLATE "C" PRIMARY KEY,
    person_id TEXT COLLATE "C" NOT NULL REFERENCES people (id),
    lab_id TEXT COLLATE "C",
    definition TEXT NOT NULL,
    until TIMESTAMPTZ,
    reason TEXT NOT NULL,
    -- Whether it makes up for something that is nobody else's business.
    accommodation INTEGER NOT NULL,
    granted_by TEXT NOT NULL,
    granted_at TIMESTAMPTZ NOT NULL,
    revoked_by TEXT,
    revoked_at TIMESTAMPTZ
);
CREATE INDEX exceptions_of_person ON exceptions (person_id, granted_at);
CREATE INDEX exceptions_of_lab ON exceptions (lab_id, granted_at);
CREATE INDEX exceptions_by_time ON exceptions (granted_at);

CREATE TABLE resources (
    booking_id TEXT COLLATE "C" NOT NULL REFERENCES bookings (id),
    key TEXT COLLATE "C" NOT NULL,
    position INTEGER NOT NULL,
    spec TEXT NOT NULL,
    state TEXT NOT NULL,
    site_ref TEXT,
    facts TEXT NOT NULL,
    failures INTEGER NOT NULL,
    replacements INTEGER NOT NULL,
    since TIMESTAMPTZ NOT NULL,
    -- What it takes of its site's limit of servers that are being made at once: the site, while it is being made on bare metal.
    building_at TEXT COLLATE "C",
    PRIMARY KEY (booking_id, key)
);
CREATE INDEX resources_building ON resources (building_at) WHERE building_at IS NOT NULL;

CREATE TABLE events (
    booking_id TEXT COLLATE "C" NOT NULL REFERENCES bookings (id),
    number INTEGER NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    actor TEXT NOT NULL,
    what TEXT NOT NULL,
    PRIMARY KEY (booking_id, number)
);

CREATE TABLE notices (
    id TEXT COLLATE "C" PRIMARY KEY,
    dedupe_key TEXT COLLATE "C" NOT NULL UNIQUE,
    -- What it is about, in a word.
    topic TEXT COLLATE "C" NOT NULL,
    -- 0 goes before 1.
    hurry INTEGER NOT NULL,
    -- In a word: it waits, gathers for a digest, is in one, was sent, was given up, or was too old.
    state TEXT COLLATE "C" NOT NULL,
    -- Nobody in particular, if it goes to the course's own address.
    person_id TEXT COLLATE "C" REFERENCES people (id),
    recipient TEXT NOT NULL,
    subject TEXT NOT NULL,
    body TEXT NOT NULL,
    calendar TEXT,
    created_at TIMESTAMPTZ NOT NULL,
    next_attempt_at TIMESTAMPTZ,
    attempts INTEGER NOT NULL,
    last_error TEXT,
    sent_at TIMESTAMPTZ,
    claim_token TEXT,
    claim_until TIMESTAMPTZ,
    -- From then on it says nothing that anyone needs.
    stale_at TIMESTAMPTZ,
    -- When the digest is due that takes it, while it gathers.
    digest_at TIMESTAMPTZ,
    -- The notice that told it, if a digest took it.
    digest_id TEXT COLLATE "C"
);
CREATE INDEX notices_to_send ON notices (hurry, next_attempt_at, id) WHERE next_attempt_at IS NOT NULL;
CREATE INDEX notices_to_gather ON notices (digest_at, person_id) WHERE digest_at IS NOT NULL;
CREATE INDEX notices_in_state ON notices (state, created_at, id);
CREATE INDEX notices_of_person ON notices (person_id) WHERE person_id IS NOT NULL;
CREATE INDEX notices_sent ON notices (sent_at) WHERE sent_at IS NOT NULL;

-- What staff have to say. Whom it is for is a word, and what goes with the word.
CREATE TABLE announcements (
    id TEXT COLLATE "C" PRIMARY KEY,
    course_id TEXT COLLATE "C" NOT NULL REFERENCES courses (id),
    title TEXT NOT NULL,
    text TEXT NOT NULL,
    audience TEXT NOT NULL,
    lab_id TEXT COLLATE "C",
    section TEXT,
    site_id TEXT COLLATE "C",
    from_at TIMESTAMPTZ,
    until_at TIMESTAMPTZ,
    author_id TEXT COLLATE "C" REFERENCES people (id),
    created_at TIMESTAMPTZ NOT NULL,
    -- From when on its readers see it: never, while it is a draft.
    publish_at TIMESTAMPTZ,
    withdrawn_at TIMESTAMPTZ,
    revision INTEGER NOT NULL,
    edited_at TIMESTAMPTZ,
    by_mail INTEGER NOT NULL,
    -- The mailing: due then until it is done, about which text, the last person whom it went to, and how many.
    mailing_at TIMESTAMPTZ,
    mailing_revision INTEGER NOT NULL,
    mailing_after TEXT COLLATE "C",
    mailing_total INTEGER NOT NULL,
    mailing_done INTEGER NOT NULL,
    claim_token TEXT,
    claim_until TIMESTAMPTZ
);
CREATE INDEX announcements_by_time ON announcements (course_id, created_at);
CREATE INDEX announcements_published ON announcements (course_id, publish_at) WHERE publish_at IS NOT NULL;
CREATE INDEX announcements_to_mail ON announcements (mailing_at) WHERE mailing_at IS NOT NULL;

-- What a published announcement said before each edit.
CREATE TABLE announcement_revisions (
    announcement_id TEXT COLLATE "C" NOT NULL REFERENCES announcements (id),
    revision INTEGER NOT NULL,
    title TEXT NOT NULL,
    text TEXT NOT NULL,
    until_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (announcement_id, revision)
);

-- Whom an announcement is for that goes to those who had something booked.
CREATE TABLE announcement_people (
    announcement_id TEXT COLLATE "C" NOT NULL REFERENCES announcements (id),
    person_id TEXT COLLATE "C" NOT NULL REFERENCES people (id),
    PRIMARY KEY (announcement_id, person_id)
);
CREATE INDEX announcement_people_of_person ON announcement_people (person_id);

-- Addresses from which mail comes back.
CREATE TABLE bounces (
    person_id TEXT COLLATE "C" PRIMARY KEY REFERENCES people (id),
    address TEXT NOT NULL,
    since TIMESTAMPTZ NOT NULL,
    -- The mail server's words.
    words TEXT NOT NULL
);

-- How the feed is in which a site tells of its outages, and what it said of itself when it was read last.
CREATE TABLE outage_feeds (
    site_id TEXT COLLATE "C" PRIMARY KEY REFERENCES sites (id),
    address TEXT NOT NULL,
    etag TEXT,
    last_modified TEXT,
    read_at TIMESTAMPTZ,
    failing_since TIMESTAMPTZ,
    trouble TEXT
);

-- What sites' feeds say of their outages: once for each item of a feed.
CREATE TABLE outage_hints (
    id TEXT COLLATE "C" PRIMARY KEY,
    site_id TEXT COLLATE "C" NOT NULL REFERENCES sites (id),
    item_id TEXT COLLATE "C" NOT NULL,
    title TEXT NOT NULL,
    link TEXT,
    summary TEXT NOT NULL,
    published_at TIMESTAMPTZ NOT NULL,
    seen_at TIMESTAMPTZ NOT NULL,
    dismissed_by TEXT COLLATE "C" REFERENCES people (id),
    dismissed_at TIMESTAMPTZ
);
CREATE UNIQUE INDEX outage_hints_once ON outage_hints (site_id, item_id);
CREATE INDEX outage_hints_by_time ON outage_hints (published_at);

-- One row for each run of a recurring job: whoever inserts it runs it.
CREATE TABLE job_runs (
    job TEXT COLLATE "C" NOT NULL,
    scheduled_at TIMESTAMPTZ NOT NULL,
    started_at TIMESTAMPTZ NOT NULL,
    finished_at TIMESTAMPTZ,
    outcome TEXT,
    PRIMARY KEY (job, scheduled_at)
);

-- How each site does, as all processes see it: one row a site.
CREATE TABLE site_health (
    site_id TEXT COLLATE "C" PRIMARY KEY REFERENCES sites (id),
    condition TEXT NOT NULL,
    since TIMESTAMPTZ NOT NULL,
    failures INTEGER NOT NULL,
    successes INTEGER NOT NULL,
    failing_since TIMESTAMPTZ,
    last_ok_at TIMESTAMPTZ,
    fault_at TIMESTAMPTZ,
    fault_class TEXT,
    fault_message TEXT,
    looked_at TIMESTAMPTZ
);

-- What not every site can do, and what each made of it when it was asked last.
CREATE TABLE site_capabilities (
    site_id TEXT NOT NULL REFERENCES sites (id),
    capability TEXT NOT NULL,
    outcome TEXT NOT NULL,
    since TIMESTAMPTZ NOT NULL,
    last_at TIMESTAMPTZ NOT NULL,
    words TEXT,
    PRIMARY KEY (site_id, capability)
);

-- What calls to sites came to, in steps of five minutes; kept for a day.
CREATE TABLE site_calls (
    site_id TEXT COLLATE "C" NOT NULL REFERENCES sites (id),
    operation TEXT COLLATE "C" NOT NULL,
    from_at TIMESTAMPTZ NOT NULL,
    calls BIGINT NOT NULL,
    failures BIGINT NOT NULL,
    total_ms BIGINT NOT NULL,
    max_ms BIGINT NOT NULL,
    PRIMARY KEY (site_id, operation, from_at)
);
CREATE INDEX site_calls_by_time ON site_calls (from_at);

-- What was last seen of the lease that staff hold for a pool: one row a pool.
CREATE TABLE standing_leases (
    pool_id TEXT COLLATE "C" PRIMARY KEY REFERENCES pools (id),
    sight TEXT NOT NULL
);

-- Bookings that a site could not provide, and when staff were told.
CREATE TABLE failures (
    booking_id TEXT COLLATE "C" PRIMARY KEY REFERENCES bookings (id),
    site_id TEXT COLLATE "C" NOT NULL REFERENCES sites (id),
    tries INTEGER NOT NULL,
    failed_at TIMESTAMPTZ NOT NULL,
    told_at TIMESTAMPTZ
);
CREATE INDEX failures_by_site ON failures (site_id, told_at);

-- What people made by hand and the reaper has begun to act on, and how far each is on its way. Its site and its owner may be gone.
CREATE TABLE marks (
    site_id TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    site_ref TEXT COLLATE "C" NOT NULL,
    name TEXT NOT NULL,
    predicate TEXT NOT NULL,
    net_id TEXT COLLATE "C",
    stage TEXT NOT NULL,
    -- How often its owner has taken it back.
    restores INTEGER NOT NULL,
    -- Why, with its numbers, as it was when the stage began.
    reason TEXT NOT NULL,
    PRIMARY KEY (site_id, kind, site_ref)
);
CREATE INDEX marks_of_person ON marks (net_id) WHERE net_id IS NOT NULL;

-- When a sweep last acted on an object: a plan from a listing that was begun before is out of date for it.
CREATE TABLE object_steps (
    site_id TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    site_ref TEXT COLLATE "C" NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (site_id, kind, site_ref)
);
CREATE INDEX object_steps_by_time ON object_steps (at);

-- Since when nothing has used an object, as sweeps have seen it.
CREATE TABLE idle_objects (
    site_id TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    site_ref TEXT COLLATE "C" NOT NULL,
    since TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (site_id, kind, site_ref)
);

-- How much a site held when it was last listed whole and trusted.
CREATE TABLE site_listings (
    site_id TEXT COLLATE "C" PRIMARY KEY,
    objects INTEGER NOT NULL,
    at TIMESTAMPTZ NOT NULL
);

-- What staff have told the reaper to leave alone. What is taken back stays, with when and by whom.
CREATE TABLE exemptions (
    id TEXT COLLATE "C" PRIMARY KEY,
    what TEXT NOT NULL,
    reason TEXT NOT NULL,
    by TEXT NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    until TIMESTAMPTZ NOT NULL,
    ended_by TEXT,
    ended_at TIMESTAMPTZ
);
CREATE INDEX exemptions_by_end ON exemptions (until);

-- When staff have stopped the reaper, at one site or at all.
CREATE TABLE pauses (
    id TEXT COLLATE "C" PRIMARY KEY,
    site_id TEXT COLLATE "C",
    reason TEXT NOT NULL,
    by TEXT NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    until TIMESTAMPTZ,
    ended_by TEXT,
    ended_at TIMESTAMPTZ
);
CREATE INDEX pauses_by_time ON pauses (at);
CREATE INDEX pauses_not_ended ON pauses (at) WHERE ended_at IS NULL;

-- What failed or is planned to be away, and what staff decided about it.
CREATE TABLE outages (
    id TEXT COLLATE "C" PRIMARY KEY,
    course_id TEXT COLLATE "C" NOT NULL REFERENCES courses (id),
    -- A site, or a service outside of the sites.
    away TEXT COLLATE "C" NOT NULL,
    from_at TIMESTAMPTZ NOT NULL,
    until_at TIMESTAMPTZ,
    reason TEXT NOT NULL,
    remedy TEXT NOT NULL,
    declared_by TEXT NOT NULL,
    declared_at TIMESTAMPTZ NOT NULL,
    -- Whether everyone is to hear of it by mail.
    to_all INTEGER NOT NULL,
    announcement_id TEXT COLLATE "C",
    settled_at TIMESTAMPTZ,
    ended_at TIMESTAMPTZ,
    ended_by TEXT,
    end_announcement_id TEXT COLLATE "C",
    -- When those were told whose bookings ran meanwhile: nothing is left to do.
    closed_at TIMESTAMPTZ
);
CREATE INDEX outages_by_time ON outages (from_at);
CREATE INDEX outages_open ON outages (from_at) WHERE closed_at IS NULL;
-- What became of each booking that an outage hit.
CREATE TABLE outage_hits (
    outage_id TEXT COLLATE "C" NOT NULL REFERENCES outages (id),
    booking_id TEXT COLLATE "C" NOT NULL REFERENCES bookings (id),
    person_id TEXT COLLATE "C" NOT NULL REFERENCES people (id),
    fate TEXT NOT NULL,
    -- The booking that is in its place.
    replacement_id TEXT COLLATE "C" REFERENCES bookings (id),
    at TIMESTAMPTZ NOT NULL,
    told_at TIMESTAMPTZ,
    PRIMARY KEY (outage_id, booking_id)
);
CREATE INDEX outage_hits_of_booking ON outage_hits (booking_id);
CREATE INDEX outage_hits_of_person ON outage_hits (person_id);
CREATE INDEX outage_hits_by_replacement ON outage_hits (replacement_id) WHERE replacement_id IS NOT NULL;
CREATE INDEX outage_hits_to_tell ON outage_hits (outage_id, person_id) WHERE told_at IS NULL;
-- Due dates that staff put off. Of each lab the latest holds, while the course file has the due date that it took the place of.
CREATE TABLE deferrals (
    lab_id TEXT COLLATE "C" NOT NULL REFERENCES labs (id),
    at TIMESTAMPTZ NOT NULL,
    outage_id TEXT COLLATE "C" REFERENCES outages (id),
    instead_of TIMESTAMPTZ,
    due TIMESTAMPTZ,
    reason TEXT NOT NULL,
    by TEXT NOT NULL,
    PRIMARY KEY (lab_id, at)
);

-- One row for each sweep; of the latest, what it saw.
CREATE TABLE sweeps (
    id TEXT COLLATE "C" PRIMARY KEY,
    at TIMESTAMPTZ NOT NULL,
    took_ms BIGINT NOT NULL,
    listed INTEGER NOT NULL,
    acts INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    waiting INTEGER NOT NULL,
    kept INTEGER NOT NULL,
    reported INTEGER NOT NULL,
    skipped TEXT NOT NULL,
    plan TEXT
);
CREATE INDEX sweeps_by_time ON sweeps (at);
CREATE INDEX sweeps_with_plan ON sweeps (at) WHERE plan IS NOT NULL;

-- What sweeps did, act by act. It stays.
CREATE TABLE sweep_acts (
    sweep_id TEXT COLLATE "C" NOT NULL,
    number INTEGER NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    what TEXT NOT NULL,
    predicate TEXT,
    net_id TEXT COLLATE "C",
    booking_id TEXT COLLATE "C",
    site_id TEXT COLLATE "C",
    kind TEXT COLLATE "C",
    site_ref TEXT COLLATE "C",
    name TEXT,
    reason TEXT NOT NULL,
    outcome TEXT NOT NULL,
    failed INTEGER NOT NULL,
    server_minutes BIGINT,
    su BIGINT,
    PRIMARY KEY (sweep_id, number)
);
CREATE INDEX sweep_acts_by_time ON sweep_acts (at);
CREATE INDEX sweep_acts_saving ON sweep_acts (at) WHERE server_minutes IS NOT NULL;

-- What is known of the use of a booking.
CREATE TABLE booking_use (
    booking_id TEXT COLLATE "C" PRIMARY KEY REFERENCES bookings (id),
    opened_at TIMESTAMPTZ,
    server_ran_at TIMESTAMPTZ,
    no_show_warned_at TIMESTAMPTZ
);

-- Shares of a section (its team is empty), or of a team of a section or, if that is empty, of the course. One without a row has 1.
CREATE TABLE share_groups (
    section TEXT COLLATE "C" NOT NULL,
    team TEXT COLLATE "C" NOT NULL,
    shares INTEGER NOT NULL,
    PRIMARY KEY (section, team)
);

-- The usage ledger: what each booking and each server that was made by hand held. It is only added to: what is given back is a
-- line of its own with the sign -1. The end of what still runs is written once.
CREATE TABLE usage_lines (
    source TEXT COLLATE "C" NOT NULL,
    number INTEGER NOT NULL,
    person_id TEXT COLLATE "C" NOT NULL REFERENCES people (id),
    booking_id TEXT COLLATE "C" REFERENCES bookings (id),
    why TEXT NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    sign INTEGER NOT NULL,
    from_at TIMESTAMPTZ NOT NULL,
    until_at TIMESTAMPTZ,
    units INTEGER NOT NULL,
    servers INTEGER NOT NULL,
    su_per_hour BIGINT NOT NULL,
    -- Whether it is in its person's total.
    folded INTEGER NOT NULL,
    PRIMARY KEY (source, number)
);
CREATE INDEX usage_lines_of_person ON usage_lines (person_id, at);
CREATE INDEX usage_lines_not_folded ON usage_lines (person_id) WHERE folded = 0;
-- What was made by hand has one line that runs.
CREATE UNIQUE INDEX usage_lines_running ON usage_lines (source) WHERE until_at IS NULL;

-- Of each person the lines that are over, decayed to an instant; in millionths of a server-hour and of a service unit.
CREATE TABLE usage_totals (
    person_id TEXT COLLATE "C" PRIMARY KEY REFERENCES people (id),
    at TIMESTAMPTZ NOT NULL,
    server_hours BIGINT NOT NULL,
    su BIGINT NOT NULL
);

-- Places in line. A person waits for a lab once at a time.
CREATE TABLE waits (
    id TEXT COLLATE "C" PRIMARY KEY,
    person_id TEXT COLLATE "C" NOT NULL REFERENCES people (id),
    lab_id TEXT COLLATE "C" NOT NULL REFERENCES labs (id),
    asked TEXT NOT NULL,
    joined_at TIMESTAMPTZ NOT NULL,
    age_from TIMESTAMPTZ NOT NULL,
    lapses INTEGER NOT NULL,
    passed TEXT NOT NULL,
    -- What is offered, or what it ended with.
    booking_id TEXT COLLATE "C" REFERENCES bookings (id),
    ended_at TIMESTAMPTZ,
    outcome TEXT
);
CREATE UNIQUE INDEX waits_one_of_a_lab ON waits (person_id, lab_id) WHERE ended_at IS NULL;
CREATE INDEX waits_of_person ON waits (person_id, joined_at);
CREATE INDEX waits_of_lab ON waits (lab_id, joined_at) WHERE ended_at IS NULL;
CREATE INDEX waits_of_booking ON waits (booking_id) WHERE booking_id IS NOT NULL;

-- Pools in which something has become free while someone waits: whoever goes through its line deletes the rows that they saw.
CREATE TABLE waitlist_calls (
    pool_id TEXT COLLATE "C" NOT NULL,
    token TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (pool_id, token)
);

-- What decisions were made from, so that they can be made again. It stays.
CREATE TABLE receipts (
    id TEXT COLLATE "C" PRIMARY KEY,
    at TIMESTAMPTZ NOT NULL,
    kind TEXT NOT NULL,
    person_id TEXT COLLATE "C" NOT NULL REFERENCES people (id),
    lab_id TEXT COLLATE "C" NOT NULL REFERENCES labs (id),
    booking_id TEXT COLLATE "C",
    wait_id TEXT COLLATE "C",
    inputs TEXT NOT NULL,
    outcome TEXT NOT NULL
);
CREATE INDEX receipts_of_booking ON receipts (booking_id, at) WHERE booking_id IS NOT NULL;
CREATE INDEX receipts_of_wait ON receipts (wait_id, at) WHERE wait_id IS NOT NULL;
CREATE INDEX receipts_of_person ON receipts (person_id, at);
CREATE INDEX receipts_by_kind ON receipts (kind, at);

-- What many receipts have in common, by its SHA-256.
CREATE TABLE receipt_parts (
    hash TEXT COLLATE "C" PRIMARY KEY,
    content TEXT NOT NULL
);

-- Who did what. It is only added to, and each record has the hash of the one before it.
CREATE TABLE audit_records (
    number BIGINT PRIMARY KEY,
    at TIMESTAMPTZ NOT NULL,
    -- How they came: a page, the API, a command, or by itself.
    way TEXT NOT NULL,
    -- Who: nobody in particular for what is done by itself, or by a command that was not told.
    actor_id TEXT REFERENCES people (id),
    -- As whom, if they looked with someone else's eyes.
    behalf_id TEXT REFERENCES people (id),
    -- With what, if a program did it. A token that is forgotten stays named here.
    token_id TEXT,
    action TEXT NOT NULL,
    course_id TEXT,
    about_id TEXT REFERENCES people (id),
    object TEXT,
    request_id TEXT,
    -- Of the details with their salt.
    details_hash TEXT NOT NULL,
    previous_hash TEXT NOT NULL,
    hash TEXT NOT NULL
);
CREATE INDEX audit_records_by_time ON audit_records (at, number);
CREATE INDEX audit_records_of_actor ON audit_records (actor_id, at, number) WHERE actor_id IS NOT NULL;
CREATE INDEX audit_records_about ON audit_records (about_id, at, number) WHERE about_id IS NOT NULL;
CREATE INDEX audit_records_by_action ON audit_records (action, at, number);

-- Why, and what it was before and after, apart from the record: they can go when the person is erased whom they are about.
CREATE TABLE audit_details (
    number BIGINT PRIMARY KEY REFERENCES audit_records (number),
    salt TEXT NOT NULL,
    content TEXT NOT NULL
);

CREATE FUNCTION audit_records_follow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.number <> (SELECT coalesce(max(number), 0) + 1 FROM audit_records)
        OR NEW.previous_hash <> coalesce((SELECT hash FROM audit_records ORDER BY number DESC LIMIT 1), repeat('0', 64))
    THEN
        RAISE EXCEPTION 'a record of the audit log follows the last one and has its hash';
    END IF;
    RETURN NEW;
END $$;
CREATE FUNCTION audit_details_follow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.number <> (SELECT coalesce(max(number), 0) FROM audit_records) THEN
        RAISE EXCEPTION 'details of the audit log come with their record';
    END IF;
    RETURN NEW;
END $$;
CREATE FUNCTION audit_details_are_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM audit_records JOIN people ON people.id = audit_records.about_id
        WHERE audit_records.number = OLD.number AND people.erased_at IS NOT NULL
    ) THEN
        RAISE EXCEPTION 'details of the audit log go only when the person is erased whom they are about';
    END IF;
    RETURN OLD;
END $$;
CREATE FUNCTION audit_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is only added to';
END $$;
CREATE TRIGGER audit_records_follow BEFORE INSERT ON audit_records
    FOR EACH ROW EXECUTE FUNCTION audit_records_follow();
CREATE TRIGGER audit_records_stay BEFORE UPDATE OR DELETE ON audit_records
    FOR EACH ROW EXECUTE FUNCTION audit_stays();
CREATE TRIGGER audit_records_are_kept BEFORE TRUNCATE ON audit_records
    FOR EACH STATEMENT EXECUTE FUNCTION audit_stays();
CREATE TRIGGER audit_details_follow BEFORE INSERT ON audit_details
    FOR EACH ROW EXECUTE FUNCTION audit_details_follow();
CREATE TRIGGER audit_details_stay BEFORE UPDATE ON audit_details
    FOR EACH ROW EXECUTE FUNCTION audit_stays();
CREATE TRIGGER audit_details_go_with_people BEFORE DELETE ON audit_details
    FOR EACH ROW EXECUTE FUNCTION audit_details_are_kept();
CREATE TRIGGER audit_details_are_kept BEFORE TRUNCATE ON audit_details
    FOR EACH STATEMENT EXECUTE FUNCTION audit_stays();
