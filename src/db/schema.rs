//! The tables, for both backends. `migrations/` makes them; a test holds the three to each other.

use diesel::{allow_tables_to_appear_in_same_query, joinable, table};

table! {
    instance (id) {
        id -> Text,
        link_key -> Text,
    }
}

table! {
    use diesel::sql_types::{Text, Integer, Nullable};
    use crate::db::types::Instant;
    people (id) {
        id -> Text,
        net_id -> Text,
        name -> Text,
        mail -> Text,
        admin -> Integer,
        ssh_public_key -> Nullable<Text>,
        choices -> Text,
        cloud_users -> Nullable<Text>,
        created_at -> Instant,
        erased_at -> Nullable<Instant>,
    }
}

table! {
    use diesel::sql_types::{Text, Integer, Nullable};
    use crate::db::types::Instant;
    memberships (course_id, person_id) {
        course_id -> Text,
        person_id -> Text,
        role -> Text,
        section -> Nullable<Text>,
        team -> Nullable<Text>,
        shares -> Integer,
        by_hand -> Integer,
        joined_at -> Instant,
        dropped_at -> Nullable<Instant>,
        bookings_end_at -> Nullable<Instant>,
    }
}

table! {
    use diesel::sql_types::{Text, Integer, Nullable};
    use crate::db::types::Instant;
    sessions (token_hash) {
        token_hash -> Text,
        id -> Text,
        person_id -> Text,
        csrf -> Text,
        created_at -> Instant,
        seen_at -> Instant,
        expires_at -> Instant,
        agent -> Text,
        admin -> Integer,
        acting_as -> Nullable<Text>,
        acting_until -> Nullable<Instant>,
        provider -> Nullable<Text>,
        subject -> Nullable<Text>,
        provider_session -> Nullable<Text>,
        id_token -> Nullable<Text>,
    }
}

table! {
    use diesel::sql_types::{Text, Nullable};
    use crate::db::types::Instant;
    sign_ins (state_hash) {
        state_hash -> Text,
        browser_hash -> Text,
        provider -> Text,
        nonce -> Text,
        verifier -> Text,
        return_to -> Nullable<Text>,
        expires_at -> Instant,
    }
}

table! {
    use diesel::sql_types::Text;
    use crate::db::types::Instant;
    identities (issuer, subject) {
        issuer -> Text,
        subject -> Text,
        person_id -> Text,
        linked_at -> Instant,
    }
}

table! {
    use diesel::sql_types::{Text, Nullable};
    use crate::db::types::Instant;
    api_tokens (id) {
        id -> Text,
        secret_hash -> Text,
        person_id -> Text,
        name -> Text,
        scopes -> Text,
        made_by -> Text,
        made_at -> Instant,
        expires_at -> Instant,
        used_at -> Nullable<Instant>,
        revoked_at -> Nullable<Instant>,
    }
}

table! {
    use diesel::sql_types::Text;
    use crate::db::types::Instant;
    calendar_addresses (person_id, feed) {
        person_id -> Text,
        feed -> Text,
        secret_hash -> Text,
        made_at -> Instant,
    }
}

table! {
    courses (id) {
        id -> Text,
        title -> Text,
        zone -> Text,
        contact -> Text,
        term -> Nullable<Text>,
        reaper -> Text,
        fair_share -> Text,
        waitlist -> Text,
    }
}

table! {
    sites (id) {
        id -> Text,
        course_id -> Text,
        definition -> Text,
    }
}

table! {
    pools (id) {
        id -> Text,
        site_id -> Text,
        definition -> Text,
    }
}

table! {
    labs (id) {
        id -> Text,
        course_id -> Text,
        pool_id -> Text,
        position -> Integer,
        definition -> Text,
    }
}

table! {
    use diesel::sql_types::{Text, Integer};
    use crate::db::types::Instant;
    occupancy (pool_id, cell) {
        pool_id -> Text,
        cell -> Instant,
        capacity -> Integer,
        booked -> Integer,
    }
}

table! {
    use diesel::sql_types::{Text, Integer};
    use crate::db::types::Instant;
    site_occupancy (site_id, cell) {
        site_id -> Text,
        cell -> Instant,
        capacity -> Integer,
        booked -> Integer,
    }
}

table! {
    use diesel::sql_types::{Text, Integer, BigInt, Nullable};
    use crate::db::types::Instant;
    bookings (id) {
        id -> Text,
        person_id -> Text,
        lab_id -> Text,
        pool_id -> Text,
        label -> Text,
        units -> Integer,
        servers -> Integer,
        start_at -> Instant,
        end_at -> Instant,
        held_from -> Instant,
        wanted_start -> Nullable<Instant>,
        wanted_end -> Nullable<Instant>,
        su_per_hour -> BigInt,
        seat -> Nullable<Integer>,
        state -> Text,
        offered_until -> Nullable<Instant>,
        reason -> Nullable<Text>,
        preparing_at -> Nullable<Instant>,
        ready_at -> Nullable<Instant>,
        released_at -> Nullable<Instant>,
        ended_at -> Nullable<Instant>,
        trouble -> Nullable<Text>,
        version -> Integer,
        idempotency_key -> Nullable<Text>,
        created_at -> Instant,
        next_step_at -> Nullable<Instant>,
        claim_token -> Nullable<Text>,
        claim_until -> Nullable<Instant>,
        nodes -> Nullable<Text>,
        waived -> Integer,
        charged_from -> Nullable<Instant>,
        charged_until -> Nullable<Instant>,
    }
}

table! {
    use diesel::sql_types::Text;
    use crate::db::types::Instant;
    node_cells (pool_id, cell, node) {
        pool_id -> Text,
        cell -> Instant,
        node -> Text,
        booking_id -> Text,
    }
}

table! {
    use diesel::sql_types::{Text, Integer, Nullable};
    use crate::db::types::Instant;
    exceptions (id) {
        id -> Text,
        person_id -> Text,
        lab_id -> Nullable<Text>,
        definition -> Text,
        until -> Nullable<Instant>,
        reason -> Text,
        accommodation -> Integer,
        granted_by -> Text,
        granted_at -> Instant,
        revoked_by -> Nullable<Text>,
        revoked_at -> Nullable<Instant>,
    }
}

table! {
    use diesel::sql_types::{Text, Integer, Nullable};
    use crate::db::types::Instant;
    resources (booking_id, key) {
        booking_id -> Text,
        key -> Text,
        position -> Integer,
        spec -> Text,
        state -> Text,
        site_ref -> Nullable<Text>,
        facts -> Text,
        failures -> Integer,
        replacements -> Integer,
        since -> Instant,
        building_at -> Nullable<Text>,
    }
}

table! {
    use diesel::sql_types::{Text, Integer};
    use crate::db::types::Instant;
    events (booking_id, number) {
        booking_id -> Text,
        number -> Integer,
        at -> Instant,
        actor -> Text,
        what -> Text,
    }
}

table! {
    use diesel::sql_types::{Text, Nullable, Integer};
    use crate::db::types::Instant;
    notices (id) {
        id -> Text,
        dedupe_key -> Text,
        topic -> Text,
        hurry -> Integer,
        state -> Text,
        person_id -> Nullable<Text>,
        recipient -> Text,
        subject -> Text,
        body -> Text,
        calendar -> Nullable<Text>,
        created_at -> Instant,
        next_attempt_at -> Nullable<Instant>,
        attempts -> Integer,
        last_error -> Nullable<Text>,
        sent_at -> Nullable<Instant>,
        claim_token -> Nullable<Text>,
        claim_until -> Nullable<Instant>,
        stale_at -> Nullable<Instant>,
        digest_at -> Nullable<Instant>,
        digest_id -> Nullable<Text>,
    }
}

table! {
    use diesel::sql_types::Text;
    use crate::db::types::Instant;
    bounces (person_id) {
        person_id -> Text,
        address -> Text,
        since -> Instant,
        words -> Text,
    }
}

table! {
    use diesel::sql_types::{Text, Nullable};
    use crate::db::types::Instant;
    job_runs (job, scheduled_at) {
        job -> Text,
        scheduled_at -> Instant,
        started_at -> Instant,
        finished_at -> Nullable<Instant>,
        outcome -> Nullable<Text>,
    }
}

table! {
    use diesel::sql_types::{Text, Integer, Nullable};
    use crate::db::types::Instant;
    site_health (site_id) {
        site_id -> Text,
        condition -> Text,
        since -> Instant,
        failures -> Integer,
        successes -> Integer,
        failing_since -> Nullable<Instant>,
        last_ok_at -> Nullable<Instant>,
        fault_at -> Nullable<Instant>,
        fault_class -> Nullable<Text>,
        fault_message -> Nullable<Text>,
        looked_at -> Nullable<Instant>,
    }
}

table! {
    use diesel::sql_types::{Text, Nullable};
    use crate::db::types::Instant;
    site_capabilities (site_id, capability) {
        site_id -> Text,
        capability -> Text,
        outcome -> Text,
        since -> Instant,
        last_at -> Instant,
        words -> Nullable<Text>,
    }
}

table! {
    use diesel::sql_types::{Text, BigInt};
    use crate::db::types::Instant;
    site_calls (site_id, operation, from_at) {
        site_id -> Text,
        operation -> Text,
        from_at -> Instant,
        calls -> BigInt,
        failures -> BigInt,
        total_ms -> BigInt,
        max_ms -> BigInt,
    }
}

table! {
    standing_leases (pool_id) {
        pool_id -> Text,
        sight -> Text,
    }
}

table! {
    use diesel::sql_types::{Text, Integer, Nullable};
    use crate::db::types::Instant;
    failures (booking_id) {
        booking_id -> Text,
        site_id -> Text,
        tries -> Integer,
        failed_at -> Instant,
        told_at -> Nullable<Instant>,
    }
}

table! {
    use diesel::sql_types::{Text, Integer, Nullable};
    marks (site_id, kind, site_ref) {
        site_id -> Text,
        kind -> Text,
        site_ref -> Text,
        name -> Text,
        predicate -> Text,
        net_id -> Nullable<Text>,
        stage -> Text,
        restores -> Integer,
        reason -> Text,
    }
}

table! {
    use diesel::sql_types::Text;
    use crate::db::types::Instant;
    object_steps (site_id, kind, site_ref) {
        site_id -> Text,
        kind -> Text,
        site_ref -> Text,
        at -> Instant,
    }
}

table! {
    use diesel::sql_types::Text;
    use crate::db::types::Instant;
    idle_objects (site_id, kind, site_ref) {
        site_id -> Text,
        kind -> Text,
        site_ref -> Text,
        since -> Instant,
    }
}

table! {
    use diesel::sql_types::{Text, Integer};
    use crate::db::types::Instant;
    site_listings (site_id) {
        site_id -> Text,
        objects -> Integer,
        at -> Instant,
    }
}

table! {
    use diesel::sql_types::{Text, Nullable};
    use crate::db::types::Instant;
    exemptions (id) {
        id -> Text,
        what -> Text,
        reason -> Text,
        by -> Text,
        at -> Instant,
        until -> Instant,
        ended_by -> Nullable<Text>,
        ended_at -> Nullable<Instant>,
    }
}

table! {
    use diesel::sql_types::{Text, Nullable};
    use crate::db::types::Instant;
    pauses (id) {
        id -> Text,
        site_id -> Nullable<Text>,
        reason -> Text,
        by -> Text,
        at -> Instant,
        until -> Nullable<Instant>,
        ended_by -> Nullable<Text>,
        ended_at -> Nullable<Instant>,
    }
}

table! {
    use diesel::sql_types::{Text, Integer, Nullable};
    use crate::db::types::Instant;
    outages (id) {
        id -> Text,
        course_id -> Text,
        away -> Text,
        from_at -> Instant,
        until_at -> Nullable<Instant>,
        reason -> Text,
        remedy -> Text,
        declared_by -> Text,
        declared_at -> Instant,
        to_all -> Integer,
        announcement_id -> Nullable<Text>,
        settled_at -> Nullable<Instant>,
        ended_at -> Nullable<Instant>,
        ended_by -> Nullable<Text>,
        end_announcement_id -> Nullable<Text>,
        closed_at -> Nullable<Instant>,
    }
}

table! {
    use diesel::sql_types::{Text, Nullable};
    use crate::db::types::Instant;
    outage_hits (outage_id, booking_id) {
        outage_id -> Text,
        booking_id -> Text,
        person_id -> Text,
        fate -> Text,
        replacement_id -> Nullable<Text>,
        at -> Instant,
        told_at -> Nullable<Instant>,
    }
}

table! {
    use diesel::sql_types::{Text, Nullable};
    use crate::db::types::Instant;
    deferrals (lab_id, at) {
        lab_id -> Text,
        at -> Instant,
        outage_id -> Nullable<Text>,
        instead_of -> Nullable<Instant>,
        due -> Nullable<Instant>,
        reason -> Text,
        by -> Text,
    }
}

table! {
    use diesel::sql_types::{Text, Integer, BigInt, Nullable};
    use crate::db::types::Instant;
    sweeps (id) {
        id -> Text,
        at -> Instant,
        took_ms -> BigInt,
        listed -> Integer,
        acts -> Integer,
        failed -> Integer,
        waiting -> Integer,
        kept -> Integer,
        reported -> Integer,
        skipped -> Text,
        plan -> Nullable<Text>,
    }
}

table! {
    use diesel::sql_types::{Text, Integer, BigInt, Nullable};
    use crate::db::types::Instant;
    sweep_acts (sweep_id, number) {
        sweep_id -> Text,
        number -> Integer,
        at -> Instant,
        what -> Text,
        predicate -> Nullable<Text>,
        net_id -> Nullable<Text>,
        booking_id -> Nullable<Text>,
        site_id -> Nullable<Text>,
        kind -> Nullable<Text>,
        site_ref -> Nullable<Text>,
        name -> Nullable<Text>,
        reason -> Text,
        outcome -> Text,
        failed -> Integer,
        server_minutes -> Nullable<BigInt>,
        su -> Nullable<BigInt>,
    }
}

table! {
    use diesel::sql_types::{Text, Nullable};
    use crate::db::types::Instant;
    booking_use (booking_id) {
        booking_id -> Text,
        opened_at -> Nullable<Instant>,
        server_ran_at -> Nullable<Instant>,
        no_show_warned_at -> Nullable<Instant>,
    }
}

table! {
    share_groups (section, team) {
        section -> Text,
        team -> Text,
        shares -> Integer,
    }
}

table! {
    use diesel::sql_types::{Text, Integer, BigInt, Nullable};
    use crate::db::types::Instant;
    usage_lines (source, number) {
        source -> Text,
        number -> Integer,
        person_id -> Text,
        booking_id -> Nullable<Text>,
        why -> Text,
        at -> Instant,
        sign -> Integer,
        from_at -> Instant,
        until_at -> Nullable<Instant>,
        units -> Integer,
        servers -> Integer,
        su_per_hour -> BigInt,
        folded -> Integer,
    }
}

table! {
    use diesel::sql_types::{Text, BigInt};
    use crate::db::types::Instant;
    usage_totals (person_id) {
        person_id -> Text,
        at -> Instant,
        server_hours -> BigInt,
        su -> BigInt,
    }
}

table! {
    use diesel::sql_types::{Text, Integer, Nullable};
    use crate::db::types::Instant;
    waits (id) {
        id -> Text,
        person_id -> Text,
        lab_id -> Text,
        asked -> Text,
        joined_at -> Instant,
        age_from -> Instant,
        lapses -> Integer,
        passed -> Text,
        booking_id -> Nullable<Text>,
        ended_at -> Nullable<Instant>,
        outcome -> Nullable<Text>,
    }
}

table! {
    waitlist_calls (pool_id, token) {
        pool_id -> Text,
        token -> Text,
    }
}

table! {
    use diesel::sql_types::{Text, Nullable};
    use crate::db::types::Instant;
    receipts (id) {
        id -> Text,
        at -> Instant,
        kind -> Text,
        person_id -> Text,
        lab_id -> Text,
        booking_id -> Nullable<Text>,
        wait_id -> Nullable<Text>,
        inputs -> Text,
        outcome -> Text,
    }
}

table! {
    receipt_parts (hash) {
        hash -> Text,
        content -> Text,
    }
}

table! {
    use diesel::sql_types::{Text, Integer, Nullable};
    use crate::db::types::Instant;
    roster_imports (id) {
        id -> Text,
        course_id -> Text,
        person_id -> Nullable<Text>,
        at -> Instant,
        file_name -> Text,
        format -> Text,
        plan -> Text,
        fingerprint -> Text,
        state -> Text,
        total -> Integer,
        done -> Integer,
        finished_at -> Nullable<Instant>,
        claim_token -> Nullable<Text>,
        claim_until -> Nullable<Instant>,
    }
}

table! {
    use diesel::sql_types::{Text, BigInt, Nullable};
    use crate::db::types::Instant;
    audit_records (number) {
        number -> BigInt,
        at -> Instant,
        way -> Text,
        actor_id -> Nullable<Text>,
        behalf_id -> Nullable<Text>,
        token_id -> Nullable<Text>,
        action -> Text,
        course_id -> Nullable<Text>,
        about_id -> Nullable<Text>,
        object -> Nullable<Text>,
        request_id -> Nullable<Text>,
        details_hash -> Text,
        previous_hash -> Text,
        hash -> Text,
    }
}

table! {
    use diesel::sql_types::{Text, BigInt};
    audit_details (number) {
        number -> BigInt,
        salt -> Text,
        content -> Text,
    }
}

table! {
    use diesel::sql_types::{Text, Integer, Nullable};
    use crate::db::types::Instant;
    announcements (id) {
        id -> Text,
        course_id -> Text,
        title -> Text,
        text -> Text,
        audience -> Text,
        lab_id -> Nullable<Text>,
        section -> Nullable<Text>,
        site_id -> Nullable<Text>,
        from_at -> Nullable<Instant>,
        until_at -> Nullable<Instant>,
        author_id -> Nullable<Text>,
        created_at -> Instant,
        publish_at -> Nullable<Instant>,
        withdrawn_at -> Nullable<Instant>,
        revision -> Integer,
        edited_at -> Nullable<Instant>,
        by_mail -> Integer,
        mailing_at -> Nullable<Instant>,
        mailing_revision -> Integer,
        mailing_after -> Nullable<Text>,
        mailing_total -> Integer,
        mailing_done -> Integer,
        claim_token -> Nullable<Text>,
        claim_until -> Nullable<Instant>,
    }
}

table! {
    use diesel::sql_types::{Text, Integer};
    use crate::db::types::Instant;
    announcement_revisions (announcement_id, revision) {
        announcement_id -> Text,
        revision -> Integer,
        title -> Text,
        text -> Text,
        until_at -> Instant,
    }
}

table! {
    announcement_people (announcement_id, person_id) {
        announcement_id -> Text,
        person_id -> Text,
    }
}

table! {
    use diesel::sql_types::{Text, Nullable};
    use crate::db::types::Instant;
    outage_feeds (site_id) {
        site_id -> Text,
        address -> Text,
        etag -> Nullable<Text>,
        last_modified -> Nullable<Text>,
        read_at -> Nullable<Instant>,
        failing_since -> Nullable<Instant>,
        trouble -> Nullable<Text>,
    }
}

table! {
    use diesel::sql_types::{Text, Nullable};
    use crate::db::types::Instant;
    outage_hints (id) {
        id -> Text,
        site_id -> Text,
        item_id -> Text,
        title -> Text,
        link -> Nullable<Text>,
        summary -> Text,
        published_at -> Instant,
        seen_at -> Instant,
        dismissed_by -> Nullable<Text>,
        dismissed_at -> Nullable<Instant>,
    }
}

joinable!(booking_use -> bookings (booking_id));
joinable!(bookings -> people (person_id));
joinable!(calendar_addresses -> people (person_id));
joinable!(exceptions -> people (person_id));
joinable!(usage_totals -> people (person_id));
joinable!(waits -> people (person_id));
joinable!(waits -> labs (lab_id));
joinable!(api_tokens -> people (person_id));
joinable!(audit_details -> audit_records (number));
joinable!(identities -> people (person_id));
joinable!(memberships -> people (person_id));
joinable!(roster_imports -> people (person_id));
joinable!(notices -> people (person_id));
joinable!(occupancy -> pools (pool_id));
joinable!(pools -> sites (site_id));
allow_tables_to_appear_in_same_query!(
    people,
    memberships,
    courses,
    sessions,
    identities,
    api_tokens,
    calendar_addresses,
    bookings,
    booking_use,
    exceptions,
    outage_hits,
    usage_totals,
    events,
    waits,
    labs,
    roster_imports,
    announcements,
    announcement_people
);
allow_tables_to_appear_in_same_query!(audit_records, audit_details, people);
allow_tables_to_appear_in_same_query!(notices, people);
allow_tables_to_appear_in_same_query!(occupancy, pools, sites);
