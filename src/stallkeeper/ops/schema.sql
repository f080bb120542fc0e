-- The schema of this release, as the migrations make it. Written by `make schema`: do not edit.
-- PostgreSQL 18
SET LOCAL check_function_bodies = false;
SELECT set_config('search_path', '', true);
CREATE TYPE public.procrastinate_job_event_type AS ENUM (
    'deferred',
    'started',
    'deferred_for_retry',
    'failed',
    'succeeded',
    'cancelled',
    'abort_requested',
    'aborted',
    'scheduled',
    'retried'
);
CREATE TYPE public.procrastinate_job_status AS ENUM (
    'todo',
    'doing',
    'succeeded',
    'failed',
    'cancelled',
    'aborting',
    'aborted'
);
CREATE TYPE public.procrastinate_job_to_defer_v1 AS (
	queue_name character varying,
	task_name character varying,
	priority integer,
	lock text,
	queueing_lock text,
	args jsonb,
	scheduled_at timestamp with time zone
);
CREATE FUNCTION public.procrastinate_cancel_job_v1(job_id bigint, abort boolean, delete_job boolean) RETURNS bigint
    LANGUAGE plpgsql
    AS $$
DECLARE
    _job_id bigint;
BEGIN
    IF delete_job THEN
        DELETE FROM procrastinate_jobs
        WHERE id = job_id AND status = 'todo'
        RETURNING id INTO _job_id;
    END IF;
    IF _job_id IS NULL THEN
        IF abort THEN
            UPDATE procrastinate_jobs
            SET abort_requested = true,
                status = CASE status
                    WHEN 'todo' THEN 'cancelled'::procrastinate_job_status ELSE status
                END
            WHERE id = job_id AND status IN ('todo', 'doing')
            RETURNING id INTO _job_id;
        ELSE
            UPDATE procrastinate_jobs
            SET status = 'cancelled'::procrastinate_job_status
            WHERE id = job_id AND status = 'todo'
            RETURNING id INTO _job_id;
        END IF;
    END IF;
    RETURN _job_id;
END;
$$;
CREATE FUNCTION public.procrastinate_defer_jobs_v1(jobs public.procrastinate_job_to_defer_v1[]) RETURNS bigint[]
    LANGUAGE plpgsql
    AS $$
DECLARE
    job_ids bigint[];
BEGIN
    WITH inserted_jobs AS (
        INSERT INTO procrastinate_jobs (queue_name, task_name, priority, lock, queueing_lock, args, scheduled_at)
        SELECT (job).queue_name,
               (job).task_name,
               (job).priority,
               (job).lock,
               (job).queueing_lock,
               (job).args,
               (job).scheduled_at
        FROM unnest(jobs) AS job
        RETURNING id
    )
    SELECT array_agg(id) FROM inserted_jobs INTO job_ids;
    RETURN job_ids;
END;
$$;
CREATE FUNCTION public.procrastinate_defer_periodic_job_v2(_queue_name character varying, _lock character varying, _queueing_lock character varying, _task_name character varying, _priority integer, _periodic_id character varying, _defer_timestamp bigint, _args jsonb) RETURNS bigint
    LANGUAGE plpgsql
    AS $$
DECLARE
	_job_id bigint;
	_defer_id bigint;
BEGIN
    INSERT
        INTO procrastinate_periodic_defers (task_name, periodic_id, defer_timestamp)
        VALUES (_task_name, _periodic_id, _defer_timestamp)
        ON CONFLICT DO NOTHING
        RETURNING id into _defer_id;
    IF _defer_id IS NULL THEN
        RETURN NULL;
    END IF;
    UPDATE procrastinate_periodic_defers
        SET job_id = (
            SELECT COALESCE((
                SELECT unnest(procrastinate_defer_jobs_v1(
                    ARRAY[
                        ROW(
                            _queue_name,
                            _task_name,
                            _priority,
                            _lock,
                            _queueing_lock,
                            _args,
                            NULL::timestamptz
                        )
                    ]::procrastinate_job_to_defer_v1[]
                ))
            ), NULL)
        )
        WHERE id = _defer_id
        RETURNING job_id INTO _job_id;
    DELETE
        FROM procrastinate_periodic_defers
        USING (
            SELECT id
            FROM procrastinate_periodic_defers
            WHERE procrastinate_periodic_defers.task_name = _task_name
            AND procrastinate_periodic_defers.periodic_id = _periodic_id
            AND procrastinate_periodic_defers.defer_timestamp < _defer_timestamp
            ORDER BY id
            FOR UPDATE
        ) to_delete
        WHERE procrastinate_periodic_defers.id = to_delete.id;
    RETURN _job_id;
END;
$$;
CREATE TABLE public.procrastinate_jobs (
    id bigint NOT NULL,
    queue_name character varying(128) NOT NULL,
    task_name character varying(128) NOT NULL,
    lock text,
    args jsonb DEFAULT '{}'::jsonb NOT NULL,
    status public.procrastinate_job_status DEFAULT 'todo'::public.procrastinate_job_status NOT NULL,
    scheduled_at timestamp with time zone,
    attempts integer DEFAULT 0 NOT NULL,
    queueing_lock text,
    priority integer DEFAULT 0 NOT NULL,
    abort_requested boolean DEFAULT false NOT NULL,
    worker_id bigint,
    CONSTRAINT check_not_todo_abort_requested CHECK ((NOT ((status = 'todo'::public.procrastinate_job_status) AND (abort_requested = true))))
);
CREATE FUNCTION public.procrastinate_fetch_job_v2(target_queue_names character varying[], p_worker_id bigint) RETURNS public.procrastinate_jobs
    LANGUAGE plpgsql
    AS $$
DECLARE
	found_jobs procrastinate_jobs;
BEGIN
    WITH candidate AS (
        SELECT jobs.*
            FROM procrastinate_jobs AS jobs
            WHERE
                -- reject the job if its lock has earlier or higher priority jobs
                NOT EXISTS (
                    SELECT 1
                        FROM procrastinate_jobs AS other_jobs
                        WHERE
                            jobs.lock IS NOT NULL
                            AND other_jobs.lock = jobs.lock
                            AND (
                                -- job with same lock is already running
                                other_jobs.status = 'doing'
                                OR
                                -- job with same lock is waiting and has higher priority (or same priority but was queued first)
                                (
                                    other_jobs.status = 'todo'
                                    AND (
                                        other_jobs.priority > jobs.priority
                                        OR (
                                        other_jobs.priority = jobs.priority
                                        AND other_jobs.id < jobs.id
                                        )
                                    )
                                )
                            )
                )
                AND jobs.status = 'todo'
                AND (target_queue_names IS NULL OR jobs.queue_name = ANY( target_queue_names ))
                AND (jobs.scheduled_at IS NULL OR jobs.scheduled_at <= now())
            ORDER BY jobs.priority DESC, jobs.id ASC LIMIT 1
            FOR UPDATE OF jobs SKIP LOCKED
    )
    UPDATE procrastinate_jobs
        SET status = 'doing', worker_id = p_worker_id
        FROM candidate
        WHERE procrastinate_jobs.id = candidate.id
        RETURNING procrastinate_jobs.* INTO found_jobs;
 RETURN found_jobs;
END;
$$;
CREATE FUNCTION public.procrastinate_finish_job_v1(job_id bigint, end_status public.procrastinate_job_status, delete_job boolean) RETURNS void
    LANGUAGE plpgsql
    AS $$
DECLARE
    _job_id bigint;
BEGIN
    IF end_status NOT IN ('succeeded', 'failed', 'aborted') THEN
        RAISE 'End status should be either "succeeded", "failed" or "aborted" (job id: %)', job_id;
    END IF;
    IF delete_job THEN
        DELETE FROM procrastinate_jobs
        WHERE id = job_id AND status IN ('todo', 'doing')
        RETURNING id INTO _job_id;
    ELSE
        UPDATE procrastinate_jobs
        SET status = end_status,
            abort_requested = false,
            attempts = CASE status
                WHEN 'doing' THEN attempts + 1 ELSE attempts
            END
        WHERE id = job_id AND status IN ('todo', 'doing')
        RETURNING id INTO _job_id;
    END IF;
    IF _job_id IS NULL THEN
        RAISE 'Job was not found or not in "doing" or "todo" status (job id: %)', job_id;
    END IF;
END;
$$;
CREATE FUNCTION public.procrastinate_notify_queue_abort_job_v1() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
DECLARE
    payload TEXT;
BEGIN
    SELECT json_build_object('type', 'abort_job_requested', 'job_id', NEW.id)::text INTO payload;
	PERFORM pg_notify('procrastinate_queue_v1#' || NEW.queue_name, payload);
	PERFORM pg_notify('procrastinate_any_queue_v1', payload);
	RETURN NEW;
END;
$$;
CREATE FUNCTION public.procrastinate_notify_queue_job_inserted_v1() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
DECLARE
    payload TEXT;
BEGIN
    SELECT json_build_object('type', 'job_inserted', 'job_id', NEW.id)::text INTO payload;
	PERFORM pg_notify('procrastinate_queue_v1#' || NEW.queue_name, payload);
	PERFORM pg_notify('procrastinate_any_queue_v1', payload);
	RETURN NEW;
END;
$$;
CREATE FUNCTION public.procrastinate_prune_stalled_workers_v1(seconds_since_heartbeat double precision) RETURNS TABLE(worker_id bigint)
    LANGUAGE plpgsql
    AS $$
BEGIN
    RETURN QUERY
    DELETE FROM procrastinate_workers
    WHERE last_heartbeat < NOW() - (seconds_since_heartbeat || 'SECOND')::INTERVAL
    RETURNING procrastinate_workers.id;
END;
$$;
CREATE FUNCTION public.procrastinate_register_worker_v1() RETURNS TABLE(worker_id bigint)
    LANGUAGE plpgsql
    AS $$
BEGIN
    RETURN QUERY
    INSERT INTO procrastinate_workers DEFAULT VALUES
    RETURNING procrastinate_workers.id;
END;
$$;
CREATE FUNCTION public.procrastinate_retry_job_v1(job_id bigint, retry_at timestamp with time zone, new_priority integer, new_queue_name character varying, new_lock character varying) RETURNS void
    LANGUAGE plpgsql
    AS $$
DECLARE
    _job_id bigint;
    _abort_requested boolean;
BEGIN
    SELECT abort_requested FROM procrastinate_jobs
    WHERE id = job_id AND status = 'doing'
    FOR UPDATE
    INTO _abort_requested;
    IF _abort_requested THEN
        UPDATE procrastinate_jobs
        SET status = 'failed'::procrastinate_job_status
        WHERE id = job_id AND status = 'doing'
        RETURNING id INTO _job_id;
    ELSE
        UPDATE procrastinate_jobs
        SET status = 'todo'::procrastinate_job_status,
            attempts = attempts + 1,
            scheduled_at = retry_at,
            priority = COALESCE(new_priority, priority),
            queue_name = COALESCE(new_queue_name, queue_name),
            lock = COALESCE(new_lock, lock)
        WHERE id = job_id AND status = 'doing'
        RETURNING id INTO _job_id;
    END IF;
    IF _job_id IS NULL THEN
        RAISE 'Job was not found or not in "doing" status (job id: %)', job_id;
    END IF;
END;
$$;
CREATE FUNCTION public.procrastinate_retry_job_v2(job_id bigint, retry_at timestamp with time zone, new_priority integer, new_queue_name character varying, new_lock character varying) RETURNS void
    LANGUAGE plpgsql
    AS $$
DECLARE
    _job_id bigint;
    _abort_requested boolean;
    _current_status procrastinate_job_status;
BEGIN
    SELECT status, abort_requested FROM procrastinate_jobs
    WHERE id = job_id AND status IN ('doing', 'failed')
    FOR UPDATE
    INTO _current_status, _abort_requested;
    IF _current_status = 'doing' AND _abort_requested THEN
        UPDATE procrastinate_jobs
        SET status = 'failed'::procrastinate_job_status
        WHERE id = job_id AND status = 'doing'
        RETURNING id INTO _job_id;
    ELSE
        UPDATE procrastinate_jobs
        SET status = 'todo'::procrastinate_job_status,
            attempts = attempts + 1,
            scheduled_at = retry_at,
            priority = COALESCE(new_priority, priority),
            queue_name = COALESCE(new_queue_name, queue_name),
            lock = COALESCE(new_lock, lock)
        WHERE id = job_id AND status IN ('doing', 'failed')
        RETURNING id INTO _job_id;
    END IF;
    IF _job_id IS NULL THEN
        RAISE 'Job was not found or has an invalid status to retry (job id: %)', job_id;
    END IF;
END;
$$;
CREATE FUNCTION public.procrastinate_trigger_abort_requested_events_procedure_v1() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    INSERT INTO procrastinate_events(job_id, type)
        VALUES (NEW.id, 'abort_requested'::procrastinate_job_event_type);
    RETURN NEW;
END;
$$;
CREATE FUNCTION public.procrastinate_trigger_function_scheduled_events_v1() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    INSERT INTO procrastinate_events(job_id, type, at)
        VALUES (NEW.id, 'scheduled'::procrastinate_job_event_type, NEW.scheduled_at);
	RETURN NEW;
END;
$$;
CREATE FUNCTION public.procrastinate_trigger_function_status_events_insert_v1() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    INSERT INTO procrastinate_events(job_id, type)
        VALUES (NEW.id, 'deferred'::procrastinate_job_event_type);
	RETURN NEW;
END;
$$;
CREATE FUNCTION public.procrastinate_trigger_function_status_events_update_v1() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    WITH t AS (
        SELECT CASE
            WHEN OLD.status = 'todo'::procrastinate_job_status
                AND NEW.status = 'doing'::procrastinate_job_status
                THEN 'started'::procrastinate_job_event_type
            WHEN OLD.status = 'doing'::procrastinate_job_status
                AND NEW.status = 'todo'::procrastinate_job_status
                THEN 'deferred_for_retry'::procrastinate_job_event_type
            WHEN OLD.status = 'doing'::procrastinate_job_status
                AND NEW.status = 'failed'::procrastinate_job_status
                THEN 'failed'::procrastinate_job_event_type
            WHEN OLD.status = 'doing'::procrastinate_job_status
                AND NEW.status = 'succeeded'::procrastinate_job_status
                THEN 'succeeded'::procrastinate_job_event_type
            WHEN OLD.status = 'todo'::procrastinate_job_status
                AND (
                    NEW.status = 'cancelled'::procrastinate_job_status
                    OR NEW.status = 'failed'::procrastinate_job_status
                    OR NEW.status = 'succeeded'::procrastinate_job_status
                )
                THEN 'cancelled'::procrastinate_job_event_type
            WHEN OLD.status = 'doing'::procrastinate_job_status
                AND NEW.status = 'aborted'::procrastinate_job_status
                THEN 'aborted'::procrastinate_job_event_type
            WHEN OLD.status = 'failed'::procrastinate_job_status
                AND NEW.status = 'todo'::procrastinate_job_status
                THEN 'retried'::procrastinate_job_event_type
            ELSE NULL
        END as event_type
    )
    INSERT INTO procrastinate_events(job_id, type)
        SELECT NEW.id, t.event_type
        FROM t
        WHERE t.event_type IS NOT NULL;
	RETURN NEW;
END;
$$;
CREATE FUNCTION public.procrastinate_unlink_periodic_defers_v1() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    UPDATE procrastinate_periodic_defers
    SET job_id = NULL
    WHERE job_id = OLD.id;
    RETURN OLD;
END;
$$;
CREATE FUNCTION public.procrastinate_unregister_worker_v1(worker_id bigint) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
    DELETE FROM procrastinate_workers
    WHERE id = worker_id;
END;
$$;
CREATE FUNCTION public.procrastinate_update_heartbeat_v1(worker_id bigint) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
    UPDATE procrastinate_workers
    SET last_heartbeat = NOW()
    WHERE id = worker_id;
END;
$$;
CREATE FUNCTION public.refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: write a new row that corrects the old one', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TABLE public.auth_group (
    id integer NOT NULL,
    name character varying(150) NOT NULL
);
ALTER TABLE public.auth_group ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.auth_group_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.auth_group_permissions (
    id bigint NOT NULL,
    group_id integer NOT NULL,
    permission_id integer NOT NULL
);
ALTER TABLE public.auth_group_permissions ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.auth_group_permissions_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.auth_permission (
    id integer NOT NULL,
    name character varying(255) NOT NULL,
    content_type_id integer NOT NULL,
    codename character varying(100) NOT NULL
);
ALTER TABLE public.auth_permission ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.auth_permission_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.axes_accessattempt (
    id integer NOT NULL,
    user_agent character varying(255) NOT NULL,
    ip_address inet,
    username character varying(255),
    http_accept character varying(1025) NOT NULL,
    path_info character varying(255) NOT NULL,
    attempt_time timestamp with time zone NOT NULL,
    get_data text NOT NULL,
    post_data text NOT NULL,
    failures_since_start integer NOT NULL,
    CONSTRAINT axes_accessattempt_failures_since_start_check CHECK ((failures_since_start >= 0))
);
ALTER TABLE public.axes_accessattempt ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.axes_accessattempt_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.axes_accessattemptexpiration (
    access_attempt_id integer NOT NULL,
    expires_at timestamp with time zone NOT NULL
);
CREATE TABLE public.axes_accessfailurelog (
    id integer NOT NULL,
    user_agent character varying(255) NOT NULL,
    ip_address inet,
    username character varying(255),
    http_accept character varying(1025) NOT NULL,
    path_info character varying(255) NOT NULL,
    attempt_time timestamp with time zone NOT NULL,
    locked_out boolean NOT NULL
);
ALTER TABLE public.axes_accessfailurelog ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.axes_accessfailurelog_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.axes_accesslog (
    id integer NOT NULL,
    user_agent character varying(255) NOT NULL,
    ip_address inet,
    username character varying(255),
    http_accept character varying(1025) NOT NULL,
    path_info character varying(255) NOT NULL,
    attempt_time timestamp with time zone NOT NULL,
    logout_time timestamp with time zone,
    session_hash character varying(64) NOT NULL
);
ALTER TABLE public.axes_accesslog ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.axes_accesslog_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.catalog_identifier (
    id bigint NOT NULL,
    kind character varying(10) NOT NULL,
    scope character varying(30) NOT NULL,
    value character varying(100) NOT NULL,
    pack_factor integer NOT NULL,
    organisation_id bigint NOT NULL,
    stock_unit_id bigint NOT NULL,
    CONSTRAINT catalog_identifier_pack_factor_check CHECK ((pack_factor >= 0)),
    CONSTRAINT identifier_pack_factor CHECK ((pack_factor > 0))
);
ALTER TABLE ONLY public.catalog_identifier FORCE ROW LEVEL SECURITY;
ALTER TABLE public.catalog_identifier ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.catalog_identifier_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.catalog_importproblem (
    id bigint NOT NULL,
    "row" integer NOT NULL,
    "column" character varying(60) NOT NULL,
    value character varying(200) NOT NULL,
    message character varying(300) NOT NULL,
    organisation_id bigint NOT NULL,
    run_id bigint NOT NULL,
    message_words jsonb,
    CONSTRAINT catalog_importproblem_row_check CHECK (("row" >= 0))
);
ALTER TABLE ONLY public.catalog_importproblem FORCE ROW LEVEL SECURITY;
ALTER TABLE public.catalog_importproblem ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.catalog_importproblem_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.catalog_importrun (
    id bigint NOT NULL,
    kind character varying(20) NOT NULL,
    file_name character varying(255) NOT NULL,
    dry_run boolean NOT NULL,
    state character varying(10) NOT NULL,
    rows_total integer NOT NULL,
    rows_done integer NOT NULL,
    rows_changed integer NOT NULL,
    rows_refused integer NOT NULL,
    problem text NOT NULL,
    actor character varying(60) NOT NULL,
    started_at timestamp with time zone NOT NULL,
    finished_at timestamp with time zone,
    organisation_id bigint NOT NULL,
    problem_words jsonb,
    CONSTRAINT catalog_importrun_rows_changed_check CHECK ((rows_changed >= 0)),
    CONSTRAINT catalog_importrun_rows_done_check CHECK ((rows_done >= 0)),
    CONSTRAINT catalog_importrun_rows_refused_check CHECK ((rows_refused >= 0)),
    CONSTRAINT catalog_importrun_rows_total_check CHECK ((rows_total >= 0))
);
ALTER TABLE ONLY public.catalog_importrun FORCE ROW LEVEL SECURITY;
ALTER TABLE public.catalog_importrun ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.catalog_importrun_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.catalog_kitcomponent (
    id bigint NOT NULL,
    quantity integer NOT NULL,
    kit_kind character varying(10) NOT NULL,
    component_kind character varying(10) NOT NULL,
    organisation_id bigint NOT NULL,
    component_id bigint NOT NULL,
    kit_id bigint NOT NULL,
    CONSTRAINT catalog_kitcomponent_quantity_check CHECK ((quantity >= 0)),
    CONSTRAINT kit_component_kinds CHECK ((((component_kind)::text = 'single'::text) AND ((kit_kind)::text = 'kit'::text))),
    CONSTRAINT kit_component_positive CHECK ((quantity > 0))
);
ALTER TABLE ONLY public.catalog_kitcomponent FORCE ROW LEVEL SECURITY;
ALTER TABLE public.catalog_kitcomponent ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.catalog_kitcomponent_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.catalog_price (
    id bigint NOT NULL,
    amount numeric(18,4) NOT NULL,
    organisation_id bigint NOT NULL,
    price_list_id bigint NOT NULL,
    stock_unit_id bigint NOT NULL,
    CONSTRAINT price_not_negative CHECK ((amount >= (0)::numeric))
);
ALTER TABLE ONLY public.catalog_price FORCE ROW LEVEL SECURITY;
ALTER TABLE public.catalog_price ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.catalog_price_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.catalog_pricelist (
    id bigint NOT NULL,
    code character varying(30) NOT NULL,
    currency character varying(3) NOT NULL,
    tax_included boolean NOT NULL,
    organisation_id bigint NOT NULL
);
ALTER TABLE ONLY public.catalog_pricelist FORCE ROW LEVEL SECURITY;
ALTER TABLE public.catalog_pricelist ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.catalog_pricelist_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.catalog_product (
    id bigint NOT NULL,
    title character varying(500) NOT NULL,
    brand character varying(200) NOT NULL,
    category character varying(300) NOT NULL,
    description text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    organisation_id bigint NOT NULL
);
ALTER TABLE ONLY public.catalog_product FORCE ROW LEVEL SECURITY;
ALTER TABLE public.catalog_product ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.catalog_product_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.catalog_stockunit (
    id bigint NOT NULL,
    sku character varying(100) NOT NULL,
    title character varying(500) NOT NULL,
    kind character varying(10) NOT NULL,
    stocked boolean NOT NULL,
    active boolean NOT NULL,
    created_at timestamp with time zone NOT NULL,
    organisation_id bigint NOT NULL,
    CONSTRAINT stock_unit_sku_given CHECK ((NOT ((sku)::text = ''::text)))
);
ALTER TABLE ONLY public.catalog_stockunit FORCE ROW LEVEL SECURITY;
ALTER TABLE public.catalog_stockunit ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.catalog_stockunit_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.catalog_variant (
    id bigint NOT NULL,
    label character varying(200) NOT NULL,
    "position" integer NOT NULL,
    organisation_id bigint NOT NULL,
    product_id bigint NOT NULL,
    stock_unit_id bigint NOT NULL,
    CONSTRAINT catalog_variant_position_check CHECK (("position" >= 0))
);
ALTER TABLE ONLY public.catalog_variant FORCE ROW LEVEL SECURITY;
ALTER TABLE public.catalog_variant ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.catalog_variant_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.channels_channel (
    id bigint NOT NULL,
    code character varying(3) NOT NULL,
    name character varying(100) NOT NULL,
    sales_market character varying(15) NOT NULL,
    customer_type character varying(4) NOT NULL,
    active boolean NOT NULL,
    orders_enabled boolean NOT NULL,
    stock_enabled boolean NOT NULL,
    prices_enabled boolean NOT NULL,
    acknowledge_enabled boolean NOT NULL,
    cutover character varying(10) NOT NULL,
    cutover_at timestamp with time zone,
    first_send_at timestamp with time zone,
    share numeric(5,2) NOT NULL,
    share_rounding character varying(10) NOT NULL,
    buffer integer NOT NULL,
    max_publish integer,
    zero_at integer NOT NULL,
    fixed integer,
    allow_splits boolean NOT NULL,
    horizon_days integer NOT NULL,
    currency character varying(3) NOT NULL,
    mark_up numeric(7,2) NOT NULL,
    price_rounding character varying(10) NOT NULL,
    exchange_rate numeric(18,8),
    exchange_rate_at date,
    exchange_rate_source character varying(100) NOT NULL,
    tax_rate numeric(5,2),
    zero_limit integer NOT NULL,
    zero_limit_share numeric(5,2) NOT NULL,
    price_drop_limit numeric(5,2) NOT NULL,
    stopped_at timestamp with time zone,
    stop_reason character varying(300) NOT NULL,
    stop_detail jsonb NOT NULL,
    released_until timestamp with time zone,
    created_at timestamp with time zone NOT NULL,
    organisation_id bigint NOT NULL,
    parent_id bigint,
    price_list_id bigint,
    connection_id bigint NOT NULL,
    warehouse character varying(50) DEFAULT ''::character varying NOT NULL,
    holds_enabled boolean DEFAULT false NOT NULL,
    holds_from timestamp with time zone,
    hold_minutes integer DEFAULT 30 NOT NULL,
    hold_most integer DEFAULT 20 NOT NULL,
    velocity_share numeric(6,2) DEFAULT 0 NOT NULL,
    category character varying(300) DEFAULT ''::character varying NOT NULL,
    further jsonb DEFAULT '{}'::jsonb NOT NULL,
    price_origin character varying(10) DEFAULT 'channel'::character varying NOT NULL,
    sales_organisation character varying(100) DEFAULT ''::character varying NOT NULL,
    own_rules character varying(30)[] DEFAULT '{}'::character varying(30)[] NOT NULL,
    CONSTRAINT channel_mark_up_in_range CHECK ((mark_up > ('-100'::integer)::numeric)),
    CONSTRAINT channel_share_in_range CHECK (((share >= (0)::numeric) AND (share <= (100)::numeric))),
    CONSTRAINT channel_velocity_in_range CHECK ((velocity_share >= (0)::numeric)),
    CONSTRAINT channels_channel_buffer_check CHECK ((buffer >= 0)),
    CONSTRAINT channels_channel_fixed_check CHECK ((fixed >= 0)),
    CONSTRAINT channels_channel_hold_minutes_check CHECK ((hold_minutes >= 0)),
    CONSTRAINT channels_channel_hold_most_check CHECK ((hold_most >= 0)),
    CONSTRAINT channels_channel_horizon_days_check CHECK ((horizon_days >= 0)),
    CONSTRAINT channels_channel_max_publish_check CHECK ((max_publish >= 0)),
    CONSTRAINT channels_channel_zero_at_check CHECK ((zero_at >= 0)),
    CONSTRAINT channels_channel_zero_limit_check CHECK ((zero_limit >= 0))
);
ALTER TABLE ONLY public.channels_channel FORCE ROW LEVEL SECURITY;
ALTER TABLE public.channels_channel ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.channels_channel_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.channels_channellocation (
    id bigint NOT NULL,
    channel_id bigint NOT NULL,
    location_id bigint NOT NULL,
    organisation_id bigint NOT NULL
);
ALTER TABLE ONLY public.channels_channellocation FORCE ROW LEVEL SECURITY;
ALTER TABLE public.channels_channellocation ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.channels_channellocation_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.channels_command (
    id bigint NOT NULL,
    kind character varying(20) NOT NULL,
    subject_type character varying(20) NOT NULL,
    subject_id bigint NOT NULL,
    key character varying(120) NOT NULL,
    payload jsonb NOT NULL,
    state character varying(10) NOT NULL,
    attempts integer NOT NULL,
    not_before timestamp with time zone NOT NULL,
    created_at timestamp with time zone NOT NULL,
    sent_at timestamp with time zone,
    ended_at timestamp with time zone,
    code character varying(100) NOT NULL,
    message character varying(500) NOT NULL,
    organisation_id bigint NOT NULL,
    connection_id bigint NOT NULL,
    CONSTRAINT channels_command_attempts_check CHECK ((attempts >= 0))
);
ALTER TABLE ONLY public.channels_command FORCE ROW LEVEL SECURITY;
ALTER TABLE public.channels_command ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.channels_command_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.channels_connection (
    id bigint NOT NULL,
    platform character varying(30) NOT NULL,
    name character varying(100) NOT NULL,
    site character varying(30) NOT NULL,
    config jsonb NOT NULL,
    base_url character varying(300) NOT NULL,
    account_id character varying(100) NOT NULL,
    account_name character varying(200) NOT NULL,
    state character varying(20) NOT NULL,
    state_reason character varying(300) NOT NULL,
    roles character varying(20)[] NOT NULL,
    writes_allowed boolean NOT NULL,
    credentials_expire_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL,
    hint_token character varying(64) NOT NULL,
    credentials_id bigint,
    organisation_id bigint NOT NULL
);
ALTER TABLE ONLY public.channels_connection FORCE ROW LEVEL SECURITY;
ALTER TABLE public.channels_connection ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.channels_connection_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.channels_drift (
    id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    kind character varying(10) NOT NULL,
    believed numeric(18,4),
    observed numeric(18,4),
    intended numeric(18,4),
    verdict character varying(20) NOT NULL,
    resolved_at timestamp with time zone,
    organisation_id bigint NOT NULL,
    offer_id bigint NOT NULL
);
ALTER TABLE ONLY public.channels_drift FORCE ROW LEVEL SECURITY;
ALTER TABLE public.channels_drift ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.channels_drift_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.channels_furtherfield (
    id bigint NOT NULL,
    label character varying(60) NOT NULL,
    kind character varying(12) NOT NULL,
    choices character varying(60)[] NOT NULL,
    currency character varying(3) NOT NULL,
    help character varying(200) NOT NULL,
    "position" integer NOT NULL,
    active boolean NOT NULL,
    organisation_id bigint NOT NULL,
    CONSTRAINT channels_furtherfield_position_check CHECK (("position" >= 0))
);
ALTER TABLE ONLY public.channels_furtherfield FORCE ROW LEVEL SECURITY;
ALTER TABLE public.channels_furtherfield ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.channels_furtherfield_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.channels_guardedunit (
    id bigint NOT NULL,
    by_hand boolean NOT NULL,
    scarce boolean NOT NULL,
    since timestamp with time zone NOT NULL,
    organisation_id bigint NOT NULL,
    stock_unit_id bigint NOT NULL,
    CONSTRAINT guarded_unit_for_a_reason CHECK ((by_hand OR scarce))
);
ALTER TABLE ONLY public.channels_guardedunit FORCE ROW LEVEL SECURITY;
ALTER TABLE public.channels_guardedunit ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.channels_guardedunit_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.channels_lane (
    id bigint NOT NULL,
    subject_type character varying(20) NOT NULL,
    subject_id bigint NOT NULL,
    kind character varying(12) NOT NULL,
    enabled boolean NOT NULL,
    epoch bigint NOT NULL,
    claimed_by character varying(80) NOT NULL,
    heartbeat_at timestamp with time zone,
    not_before timestamp with time zone NOT NULL,
    wanted boolean NOT NULL,
    failures integer NOT NULL,
    last_error character varying(500) NOT NULL,
    last_started_at timestamp with time zone,
    last_ended_at timestamp with time zone,
    last_success_at timestamp with time zone,
    organisation_id bigint NOT NULL,
    asked_by character varying(40)[] DEFAULT '{}'::character varying(40)[] NOT NULL,
    CONSTRAINT channels_lane_failures_check CHECK ((failures >= 0))
);
ALTER TABLE ONLY public.channels_lane FORCE ROW LEVEL SECURITY;
ALTER TABLE public.channels_lane ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.channels_lane_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.channels_lanestep (
    id bigint NOT NULL,
    step character varying(20) NOT NULL,
    cursor text NOT NULL,
    watermark timestamp with time zone,
    last_success_at timestamp with time zone,
    last_error_at timestamp with time zone,
    last_error character varying(500) NOT NULL,
    not_before timestamp with time zone,
    items_total bigint NOT NULL,
    errors_total bigint NOT NULL,
    lane_id bigint NOT NULL,
    organisation_id bigint NOT NULL,
    begun_at timestamp with time zone,
    moved_at timestamp with time zone
);
ALTER TABLE ONLY public.channels_lanestep FORCE ROW LEVEL SECURITY;
ALTER TABLE public.channels_lanestep ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.channels_lanestep_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.channels_observedhold (
    id bigint NOT NULL,
    quantity integer NOT NULL,
    seen integer NOT NULL,
    since timestamp with time zone,
    seen_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone,
    cause character varying(60) NOT NULL,
    taken_over integer NOT NULL,
    withdrawn integer NOT NULL,
    lapsed integer NOT NULL,
    released integer NOT NULL,
    reason character varying(300) NOT NULL,
    ended_at timestamp with time zone,
    offer_id bigint NOT NULL,
    organisation_id bigint NOT NULL,
    channel_id bigint NOT NULL,
    CONSTRAINT channels_observedhold_lapsed_check CHECK ((lapsed >= 0)),
    CONSTRAINT channels_observedhold_quantity_check CHECK ((quantity >= 0)),
    CONSTRAINT channels_observedhold_released_check CHECK ((released >= 0)),
    CONSTRAINT channels_observedhold_seen_check CHECK ((seen >= 0)),
    CONSTRAINT channels_observedhold_taken_over_check CHECK ((taken_over >= 0)),
    CONSTRAINT channels_observedhold_withdrawn_check CHECK ((withdrawn >= 0)),
    CONSTRAINT observed_hold_adds_up CHECK ((seen = ((((quantity + taken_over) + withdrawn) + lapsed) + released))),
    CONSTRAINT observed_hold_open_or_ended CHECK ((((ended_at IS NULL) AND (quantity > 0)) OR ((ended_at IS NOT NULL) AND (quantity = 0))))
);
ALTER TABLE ONLY public.channels_observedhold FORCE ROW LEVEL SECURITY;
ALTER TABLE public.channels_observedhold ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.channels_observedhold_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.channels_offer (
    id bigint NOT NULL,
    sku character varying(100) NOT NULL,
    external_id character varying(100) NOT NULL,
    pack_factor integer NOT NULL,
    fulfilled_by character varying(12) NOT NULL,
    stock_excluded boolean NOT NULL,
    prices_excluded boolean NOT NULL,
    intended_qty integer,
    sent_qty integer,
    sent_at timestamp with time zone,
    accepted_qty integer,
    accepted_at timestamp with time zone,
    observed_qty integer,
    observed_reserved integer,
    observed_at timestamp with time zone,
    believed_qty integer,
    open_qty integer NOT NULL,
    refused_qty integer,
    refused_code character varying(100) NOT NULL,
    refused_message character varying(500) NOT NULL,
    refused_at timestamp with time zone,
    linked_by character varying(20) NOT NULL,
    linked_at timestamp with time zone,
    channel_id bigint NOT NULL,
    organisation_id bigint NOT NULL,
    stock_unit_id bigint NOT NULL,
    unacknowledged_qty integer DEFAULT 0 NOT NULL,
    observed_since timestamp with time zone,
    most_qty integer,
    missing_qty integer DEFAULT 0 NOT NULL,
    missing_since timestamp with time zone,
    CONSTRAINT channels_offer_pack_factor_check CHECK ((pack_factor >= 0)),
    CONSTRAINT offer_intended_not_negative CHECK (((intended_qty IS NULL) OR (intended_qty >= 0))),
    CONSTRAINT offer_open_not_negative CHECK (((open_qty >= 0) AND (unacknowledged_qty >= 0))),
    CONSTRAINT offer_pack_factor CHECK ((pack_factor > 0))
)
WITH (fillfactor='70');
ALTER TABLE ONLY public.channels_offer FORCE ROW LEVEL SECURITY;
ALTER TABLE public.channels_offer ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.channels_offer_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.channels_offerprice (
    offer_id bigint NOT NULL,
    currency character varying(3) NOT NULL,
    intended numeric(18,4),
    sent numeric(18,4),
    sent_at timestamp with time zone,
    accepted numeric(18,4),
    accepted_at timestamp with time zone,
    observed numeric(18,4),
    observed_at timestamp with time zone,
    believed numeric(18,4),
    refused numeric(18,4),
    refused_code character varying(100) NOT NULL,
    refused_message character varying(500) NOT NULL,
    refused_at timestamp with time zone,
    organisation_id bigint NOT NULL
)
WITH (fillfactor='70');
ALTER TABLE ONLY public.channels_offerprice FORCE ROW LEVEL SECURITY;
CREATE TABLE public.channels_offertodo (
    kind character varying(10) NOT NULL,
    danger smallint NOT NULL,
    version bigint NOT NULL,
    since timestamp with time zone NOT NULL,
    channel_id bigint NOT NULL,
    offer_id bigint NOT NULL,
    organisation_id bigint NOT NULL
)
WITH (fillfactor='70');
ALTER TABLE ONLY public.channels_offertodo FORCE ROW LEVEL SECURITY;
CREATE TABLE public.channels_openevent (
    id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    offer_id bigint NOT NULL,
    open integer NOT NULL,
    unacknowledged integer NOT NULL,
    organisation_id bigint NOT NULL
);
ALTER TABLE ONLY public.channels_openevent FORCE ROW LEVEL SECURITY;
ALTER TABLE public.channels_openevent ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.channels_openevent_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.channels_parked (
    id bigint NOT NULL,
    kind character varying(20) NOT NULL,
    external_id character varying(100) NOT NULL,
    reason character varying(500) NOT NULL,
    first_seen_at timestamp with time zone NOT NULL,
    last_seen_at timestamp with time zone NOT NULL,
    times integer NOT NULL,
    resolved_at timestamp with time zone,
    connection_id bigint NOT NULL,
    organisation_id bigint NOT NULL,
    CONSTRAINT channels_parked_times_check CHECK ((times >= 0))
);
ALTER TABLE ONLY public.channels_parked FORCE ROW LEVEL SECURITY;
ALTER TABLE public.channels_parked ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.channels_parked_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.channels_ratebudget (
    id bigint NOT NULL,
    bucket character varying(40) NOT NULL,
    tokens double precision NOT NULL,
    at timestamp with time zone NOT NULL,
    blocked_until timestamp with time zone,
    spent bigint NOT NULL,
    refused bigint NOT NULL,
    connection_id bigint NOT NULL
);
ALTER TABLE ONLY public.channels_ratebudget FORCE ROW LEVEL SECURITY;
ALTER TABLE public.channels_ratebudget ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.channels_ratebudget_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.channels_remotelisting (
    id bigint NOT NULL,
    sku character varying(100) NOT NULL,
    external_id character varying(100) NOT NULL,
    title character varying(500) NOT NULL,
    status character varying(10) NOT NULL,
    gtins character varying(14)[] NOT NULL,
    codes character varying(100)[] NOT NULL,
    channel_ids jsonb NOT NULL,
    quantity integer,
    price numeric(18,4),
    currency character varying(3) NOT NULL,
    fulfilled_by character varying(12) NOT NULL,
    state character varying(10) NOT NULL,
    candidates jsonb NOT NULL,
    seen_at timestamp with time zone NOT NULL,
    channel_id bigint NOT NULL,
    offer_id bigint,
    organisation_id bigint NOT NULL
);
ALTER TABLE ONLY public.channels_remotelisting FORCE ROW LEVEL SECURITY;
ALTER TABLE public.channels_remotelisting ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.channels_remotelisting_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.channels_ringfence (
    id bigint NOT NULL,
    quantity integer NOT NULL,
    channel_id bigint NOT NULL,
    organisation_id bigint NOT NULL,
    stock_unit_id bigint NOT NULL,
    CONSTRAINT channels_ringfence_quantity_check CHECK ((quantity >= 0))
);
ALTER TABLE ONLY public.channels_ringfence FORCE ROW LEVEL SECURITY;
ALTER TABLE public.channels_ringfence ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.channels_ringfence_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.channels_ruleoverride (
    id bigint NOT NULL,
    category character varying(300) NOT NULL,
    share numeric(5,2),
    share_rounding character varying(10) NOT NULL,
    buffer integer,
    max_publish integer,
    zero_at integer,
    fixed integer,
    velocity_share numeric(6,2),
    valid_from timestamp with time zone NOT NULL,
    valid_until timestamp with time zone,
    actor character varying(60) NOT NULL,
    channel_id bigint NOT NULL,
    organisation_id bigint NOT NULL,
    stock_unit_id bigint,
    CONSTRAINT channels_ruleoverride_buffer_check CHECK ((buffer >= 0)),
    CONSTRAINT channels_ruleoverride_fixed_check CHECK ((fixed >= 0)),
    CONSTRAINT channels_ruleoverride_max_publish_check CHECK ((max_publish >= 0)),
    CONSTRAINT channels_ruleoverride_zero_at_check CHECK ((zero_at >= 0)),
    CONSTRAINT rule_override_in_range CHECK ((((share IS NULL) OR ((share >= (0)::numeric) AND (share <= (100)::numeric))) AND ((velocity_share IS NULL) OR (velocity_share >= (0)::numeric)))),
    CONSTRAINT rule_override_of_one CHECK (((((category)::text = ''::text) AND (stock_unit_id IS NOT NULL)) OR ((NOT ((category)::text = ''::text)) AND (stock_unit_id IS NULL))))
);
ALTER TABLE ONLY public.channels_ruleoverride FORCE ROW LEVEL SECURITY;
ALTER TABLE public.channels_ruleoverride ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.channels_ruleoverride_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.channels_ruleversion (
    id bigint NOT NULL,
    valid_from timestamp with time zone NOT NULL,
    rules jsonb NOT NULL,
    actor character varying(60) NOT NULL,
    channel_id bigint NOT NULL,
    organisation_id bigint NOT NULL
);
ALTER TABLE ONLY public.channels_ruleversion FORCE ROW LEVEL SECURITY;
ALTER TABLE public.channels_ruleversion ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.channels_ruleversion_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.channels_run (
    id bigint NOT NULL,
    epoch bigint NOT NULL,
    started_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    outcome character varying(20) NOT NULL,
    error character varying(500) NOT NULL,
    steps jsonb NOT NULL,
    lane_id bigint NOT NULL,
    organisation_id bigint NOT NULL
);
ALTER TABLE ONLY public.channels_run FORCE ROW LEVEL SECURITY;
ALTER TABLE public.channels_run ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.channels_run_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.channels_sendingcolumns (
    id bigint NOT NULL,
    hidden bigint[] NOT NULL,
    organisation_id bigint NOT NULL,
    user_id bigint NOT NULL
);
ALTER TABLE ONLY public.channels_sendingcolumns FORCE ROW LEVEL SECURITY;
ALTER TABLE public.channels_sendingcolumns ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.channels_sendingcolumns_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.channels_sendplan (
    id bigint NOT NULL,
    state character varying(10) NOT NULL,
    proposal jsonb NOT NULL,
    base jsonb NOT NULL,
    counts jsonb NOT NULL,
    fingerprint character varying(64) NOT NULL,
    made_at timestamp with time zone NOT NULL,
    made_by character varying(60) NOT NULL,
    applied_at timestamp with time zone,
    applied_by character varying(60) NOT NULL,
    before jsonb,
    organisation_id bigint NOT NULL,
    undoes_id bigint,
    CONSTRAINT send_plan_applied_or_not CHECK ((((applied_at IS NOT NULL) AND ((state)::text = 'applied'::text)) OR ((NOT ((state)::text = 'applied'::text)) AND (applied_at IS NULL))))
);
ALTER TABLE ONLY public.channels_sendplan FORCE ROW LEVEL SECURITY;
ALTER TABLE public.channels_sendplan ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.channels_sendplan_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.channels_sendplanpart (
    id bigint NOT NULL,
    quantities bytea NOT NULL,
    prices bytea NOT NULL,
    channel_id bigint NOT NULL,
    organisation_id bigint NOT NULL,
    plan_id bigint NOT NULL
);
ALTER TABLE ONLY public.channels_sendplanpart FORCE ROW LEVEL SECURITY;
ALTER TABLE public.channels_sendplanpart ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.channels_sendplanpart_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.channels_sendtask (
    id bigint NOT NULL,
    kind character varying(10) NOT NULL,
    asked_at timestamp with time zone NOT NULL,
    asked_by character varying(60) NOT NULL,
    ended_at timestamp with time zone,
    organisation_id bigint NOT NULL,
    plan_id bigint,
    outcome jsonb
);
ALTER TABLE ONLY public.channels_sendtask FORCE ROW LEVEL SECURITY;
ALTER TABLE public.channels_sendtask ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.channels_sendtask_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.channels_sendtaskpart (
    id bigint NOT NULL,
    quantities bigint[] NOT NULL,
    prices bigint[] NOT NULL,
    channel_id bigint NOT NULL,
    organisation_id bigint NOT NULL,
    task_id bigint NOT NULL
);
ALTER TABLE ONLY public.channels_sendtaskpart FORCE ROW LEVEL SECURITY;
ALTER TABLE public.channels_sendtaskpart ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.channels_sendtaskpart_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.channels_sent_log (
    id bigint NOT NULL,
    organisation_id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    offer_id bigint NOT NULL,
    kind character varying(10) NOT NULL,
    value numeric(18,4) NOT NULL,
    outcome character varying(10) NOT NULL,
    detail character varying(300) DEFAULT ''::character varying NOT NULL,
    run_id bigint DEFAULT 0 NOT NULL,
    wanted_at timestamp with time zone,
    sent_at timestamp with time zone,
    shown numeric(18,4)
)
PARTITION BY RANGE (at);
ALTER TABLE ONLY public.channels_sent_log FORCE ROW LEVEL SECURITY;
CREATE TABLE public.channels_sent_log_default (
    id bigint CONSTRAINT channels_sent_log_id_not_null NOT NULL,
    organisation_id bigint CONSTRAINT channels_sent_log_organisation_id_not_null NOT NULL,
    at timestamp with time zone CONSTRAINT channels_sent_log_at_not_null NOT NULL,
    offer_id bigint CONSTRAINT channels_sent_log_offer_id_not_null NOT NULL,
    kind character varying(10) CONSTRAINT channels_sent_log_kind_not_null NOT NULL,
    value numeric(18,4) CONSTRAINT channels_sent_log_value_not_null NOT NULL,
    outcome character varying(10) CONSTRAINT channels_sent_log_outcome_not_null NOT NULL,
    detail character varying(300) DEFAULT ''::character varying CONSTRAINT channels_sent_log_detail_not_null NOT NULL,
    run_id bigint DEFAULT 0 CONSTRAINT channels_sent_log_run_id_not_null NOT NULL,
    wanted_at timestamp with time zone,
    sent_at timestamp with time zone,
    shown numeric(18,4)
);
ALTER TABLE ONLY public.channels_sent_log_default FORCE ROW LEVEL SECURITY;
ALTER TABLE public.channels_sent_log ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.channels_sent_log_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.channels_ticket (
    id bigint NOT NULL,
    kind character varying(10) NOT NULL,
    ticket character varying(200) NOT NULL,
    opened_at timestamp with time zone NOT NULL,
    next_look_at timestamp with time zone NOT NULL,
    looks integer NOT NULL,
    closed_at timestamp with time zone,
    outcome character varying(20) NOT NULL,
    connection_id bigint NOT NULL,
    organisation_id bigint NOT NULL,
    in_vain integer NOT NULL,
    CONSTRAINT channels_ticket_in_vain_check CHECK ((in_vain >= 0)),
    CONSTRAINT channels_ticket_looks_check CHECK ((looks >= 0))
);
ALTER TABLE ONLY public.channels_ticket FORCE ROW LEVEL SECURITY;
ALTER TABLE public.channels_ticket ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.channels_ticket_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.channels_ticketitem (
    id bigint NOT NULL,
    value numeric(18,4) NOT NULL,
    version bigint NOT NULL,
    overtaken boolean NOT NULL,
    resolved boolean NOT NULL,
    offer_id bigint NOT NULL,
    organisation_id bigint NOT NULL,
    ticket_id bigint NOT NULL
);
ALTER TABLE ONLY public.channels_ticketitem FORCE ROW LEVEL SECURITY;
ALTER TABLE public.channels_ticketitem ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.channels_ticketitem_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE SEQUENCE public.channels_todo_version
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
CREATE TABLE public.channels_unitsale (
    id bigint NOT NULL,
    quantity integer NOT NULL,
    sold_at timestamp with time zone NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    passed_at timestamp with time zone,
    organisation_id bigint NOT NULL,
    stock_unit_id bigint NOT NULL,
    CONSTRAINT channels_unitsale_quantity_check CHECK ((quantity >= 0))
);
ALTER TABLE ONLY public.channels_unitsale FORCE ROW LEVEL SECURITY;
ALTER TABLE public.channels_unitsale ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.channels_unitsale_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.channels_wait (
    id bigint NOT NULL,
    step character varying(20) NOT NULL,
    begun_at timestamp with time zone NOT NULL,
    until timestamp with time zone NOT NULL,
    connection_id bigint NOT NULL,
    organisation_id bigint NOT NULL
);
ALTER TABLE ONLY public.channels_wait FORCE ROW LEVEL SECURITY;
ALTER TABLE public.channels_wait ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.channels_wait_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.channels_writewindow (
    id bigint NOT NULL,
    read_at timestamp with time zone NOT NULL,
    read integer,
    value integer NOT NULL,
    sent_at timestamp with time zone NOT NULL,
    written_at timestamp with time zone,
    offer_id bigint NOT NULL,
    organisation_id bigint NOT NULL
);
ALTER TABLE ONLY public.channels_writewindow FORCE ROW LEVEL SECURITY;
ALTER TABLE public.channels_writewindow ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.channels_writewindow_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.core_apikey (
    id bigint NOT NULL,
    name character varying(100) NOT NULL,
    token_hash character varying(64) NOT NULL,
    permissions character varying(30)[] NOT NULL,
    created_at timestamp with time zone NOT NULL,
    created_by character varying(60) NOT NULL,
    ended_at timestamp with time zone,
    organisation_id bigint NOT NULL
);
ALTER TABLE ONLY public.core_apikey FORCE ROW LEVEL SECURITY;
ALTER TABLE public.core_apikey ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.core_apikey_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.core_auditentry (
    id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    actor character varying(60) NOT NULL,
    action character varying(60) NOT NULL,
    subject_type character varying(40) NOT NULL,
    subject_id character varying(60) NOT NULL,
    detail jsonb NOT NULL,
    digest bytea NOT NULL,
    organisation_id bigint NOT NULL
);
ALTER TABLE ONLY public.core_auditentry FORCE ROW LEVEL SECURITY;
ALTER TABLE public.core_auditentry ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.core_auditentry_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.core_dailyrun (
    id smallint NOT NULL,
    begun_at timestamp with time zone NOT NULL,
    done_at timestamp with time zone,
    CONSTRAINT daily_run_one CHECK ((id = 1))
);
CREATE TABLE public.core_databaseidentity (
    id smallint NOT NULL,
    system_identifier bigint NOT NULL,
    database_oid bigint NOT NULL,
    seen_at timestamp with time zone NOT NULL,
    CONSTRAINT database_identity_one CHECK ((id = 1))
);
CREATE TABLE public.core_datakey (
    id bigint NOT NULL,
    version integer NOT NULL,
    wrapped bytea NOT NULL,
    wrapped_by character varying(32) NOT NULL,
    created_at timestamp with time zone NOT NULL,
    retired_at timestamp with time zone,
    organisation_id bigint NOT NULL,
    CONSTRAINT core_datakey_version_check CHECK ((version >= 0))
);
ALTER TABLE ONLY public.core_datakey FORCE ROW LEVEL SECURITY;
ALTER TABLE public.core_datakey ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.core_datakey_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.core_factchange (
    id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    kind character varying(10) NOT NULL,
    subject_id bigint NOT NULL,
    part character varying(60) DEFAULT ''::character varying NOT NULL,
    before jsonb,
    after jsonb,
    actor character varying(60) NOT NULL,
    organisation_id bigint NOT NULL
);
ALTER TABLE ONLY public.core_factchange FORCE ROW LEVEL SECURITY;
ALTER TABLE public.core_factchange ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.core_factchange_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.core_fileexport (
    id bigint NOT NULL,
    kind character varying(40) NOT NULL,
    filters text NOT NULL,
    form character varying(4) NOT NULL,
    language character varying(20) NOT NULL,
    zone character varying(64) NOT NULL,
    state character varying(10) NOT NULL,
    tries smallint NOT NULL,
    rows_expected integer NOT NULL,
    rows_done integer NOT NULL,
    size bigint NOT NULL,
    problem character varying(500) NOT NULL,
    problem_words jsonb,
    asked_at timestamp with time zone NOT NULL,
    touched_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    organisation_id bigint NOT NULL,
    user_id bigint NOT NULL,
    CONSTRAINT core_fileexport_rows_done_check CHECK ((rows_done >= 0)),
    CONSTRAINT core_fileexport_rows_expected_check CHECK ((rows_expected >= 0)),
    CONSTRAINT core_fileexport_size_check CHECK ((size >= 0)),
    CONSTRAINT core_fileexport_tries_check CHECK ((tries >= 0))
);
ALTER TABLE ONLY public.core_fileexport FORCE ROW LEVEL SECURITY;
ALTER TABLE public.core_fileexport ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.core_fileexport_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.core_fileexportpart (
    id bigint NOT NULL,
    "position" integer NOT NULL,
    content bytea NOT NULL,
    export_id bigint NOT NULL,
    organisation_id bigint NOT NULL,
    CONSTRAINT core_fileexportpart_position_check CHECK (("position" >= 0))
);
ALTER TABLE ONLY public.core_fileexportpart FORCE ROW LEVEL SECURITY;
ALTER TABLE public.core_fileexportpart ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.core_fileexportpart_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.core_invitation (
    id bigint NOT NULL,
    email character varying(254) NOT NULL,
    role character varying(20) NOT NULL,
    token_hash character varying(64) NOT NULL,
    created_at timestamp with time zone NOT NULL,
    created_by character varying(60) NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    organisation_id bigint NOT NULL
);
ALTER TABLE ONLY public.core_invitation FORCE ROW LEVEL SECURITY;
ALTER TABLE public.core_invitation ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.core_invitation_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.core_membership (
    id bigint NOT NULL,
    role character varying(20) NOT NULL,
    user_id bigint NOT NULL,
    organisation_id bigint NOT NULL,
    off_since timestamp with time zone
);
ALTER TABLE ONLY public.core_membership FORCE ROW LEVEL SECURITY;
ALTER TABLE public.core_membership ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.core_membership_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.core_noticemessage (
    id bigint NOT NULL,
    severity character varying(10) NOT NULL,
    key character varying(200) NOT NULL,
    state character varying(10) NOT NULL,
    made_at timestamp with time zone NOT NULL,
    not_before timestamp with time zone NOT NULL,
    attempts smallint NOT NULL,
    ended_at timestamp with time zone,
    problem character varying(500) NOT NULL,
    problem_words jsonb,
    notification_id bigint,
    organisation_id bigint NOT NULL,
    target_id bigint NOT NULL,
    CONSTRAINT core_noticemessage_attempts_check CHECK ((attempts >= 0))
);
ALTER TABLE ONLY public.core_noticemessage FORCE ROW LEVEL SECURITY;
ALTER TABLE public.core_noticemessage ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.core_noticemessage_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.core_noticetarget (
    id bigint NOT NULL,
    name character varying(100) NOT NULL,
    way character varying(20) NOT NULL,
    hint character varying(300) NOT NULL,
    active boolean NOT NULL,
    "least" character varying(10) NOT NULL,
    kinds character varying(20)[] NOT NULL,
    accounts bigint[] NOT NULL,
    quiet_from time without time zone,
    quiet_until time without time zone,
    break_quiet boolean NOT NULL,
    gather_minutes smallint NOT NULL,
    again_minutes integer NOT NULL,
    language character varying(20) NOT NULL,
    created_at timestamp with time zone NOT NULL,
    told_at timestamp with time zone,
    failing_since timestamp with time zone,
    address_id bigint,
    organisation_id bigint NOT NULL,
    CONSTRAINT core_noticetarget_again_minutes_check CHECK ((again_minutes >= 0)),
    CONSTRAINT core_noticetarget_gather_minutes_check CHECK ((gather_minutes >= 0))
);
ALTER TABLE ONLY public.core_noticetarget FORCE ROW LEVEL SECURITY;
ALTER TABLE public.core_noticetarget ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.core_noticetarget_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.core_notification (
    id bigint NOT NULL,
    key character varying(200) NOT NULL,
    severity character varying(10) NOT NULL,
    title character varying(200) NOT NULL,
    detail text NOT NULL,
    link character varying(200) NOT NULL,
    count integer NOT NULL,
    first_at timestamp with time zone NOT NULL,
    last_at timestamp with time zone NOT NULL,
    resolved_at timestamp with time zone,
    seen_at timestamp with time zone,
    organisation_id bigint NOT NULL,
    title_words jsonb,
    detail_words jsonb,
    CONSTRAINT core_notification_count_check CHECK ((count >= 0))
);
ALTER TABLE ONLY public.core_notification FORCE ROW LEVEL SECURITY;
ALTER TABLE public.core_notification ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.core_notification_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.core_organisation (
    id bigint NOT NULL,
    name character varying(200) NOT NULL,
    slug character varying(50) NOT NULL,
    time_zone character varying(64) NOT NULL,
    sending_enabled boolean NOT NULL,
    created_at timestamp with time zone NOT NULL,
    quarantined_at timestamp with time zone,
    balancer_enabled boolean DEFAULT false NOT NULL,
    facts_since timestamp with time zone,
    guard_below integer DEFAULT 0 NOT NULL,
    start_passed character varying(40)[] DEFAULT '{}'::character varying(40)[] NOT NULL,
    start_ended_at timestamp with time zone,
    second_factor_required boolean DEFAULT false NOT NULL,
    delays_until timestamp with time zone,
    CONSTRAINT core_organisation_guard_below_check CHECK ((guard_below >= 0))
);
ALTER TABLE public.core_organisation ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.core_organisation_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.core_personaldata (
    id bigint NOT NULL,
    subject_type character varying(20) NOT NULL,
    subject_id bigint NOT NULL,
    purpose character varying(40) NOT NULL,
    key_version integer NOT NULL,
    ciphertext bytea NOT NULL,
    delete_after timestamp with time zone NOT NULL,
    organisation_id bigint NOT NULL,
    words bigint[] DEFAULT '{}'::bigint[] NOT NULL,
    CONSTRAINT core_personaldata_key_version_check CHECK ((key_version >= 0))
);
ALTER TABLE ONLY public.core_personaldata FORCE ROW LEVEL SECURITY;
ALTER TABLE public.core_personaldata ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.core_personaldata_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.core_personalword (
    word bigint NOT NULL,
    "row" bigint NOT NULL,
    organisation_id bigint NOT NULL
);
ALTER TABLE ONLY public.core_personalword FORCE ROW LEVEL SECURITY;
CREATE TABLE public.core_recoverycode (
    id bigint NOT NULL,
    code_hash character varying(64) NOT NULL,
    used_at timestamp with time zone,
    user_id bigint NOT NULL
);
ALTER TABLE public.core_recoverycode ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.core_recoverycode_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.core_secondfactor (
    user_id bigint NOT NULL,
    sealed bytea NOT NULL,
    wrapped_by character varying(32) NOT NULL,
    begun_at timestamp with time zone NOT NULL,
    confirmed_at timestamp with time zone,
    last_step bigint NOT NULL,
    failures integer NOT NULL,
    failed_since timestamp with time zone,
    CONSTRAINT core_secondfactor_failures_check CHECK ((failures >= 0))
);
CREATE TABLE public.core_secret (
    id bigint NOT NULL,
    purpose character varying(100) NOT NULL,
    key_version integer NOT NULL,
    ciphertext bytea NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    organisation_id bigint NOT NULL,
    CONSTRAINT core_secret_key_version_check CHECK ((key_version >= 0))
);
ALTER TABLE ONLY public.core_secret FORCE ROW LEVEL SECURITY;
ALTER TABLE public.core_secret ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.core_secret_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.core_signedin (
    id bigint NOT NULL,
    session_key character varying(40) NOT NULL,
    address character varying(45) NOT NULL,
    device character varying(300) NOT NULL,
    began_at timestamp with time zone NOT NULL,
    seen_at timestamp with time zone NOT NULL,
    user_id bigint NOT NULL
);
ALTER TABLE public.core_signedin ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.core_signedin_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.core_signinlink (
    id bigint NOT NULL,
    token_hash character varying(64) NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    used_at timestamp with time zone,
    user_id bigint NOT NULL
);
ALTER TABLE public.core_signinlink ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.core_signinlink_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.core_snooze (
    id bigint NOT NULL,
    key character varying(200) NOT NULL,
    reason character varying(300) NOT NULL,
    gravity smallint NOT NULL,
    count integer NOT NULL,
    made_by character varying(60) NOT NULL,
    made_at timestamp with time zone NOT NULL,
    until timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    organisation_id bigint NOT NULL
);
ALTER TABLE ONLY public.core_snooze FORCE ROW LEVEL SECURITY;
ALTER TABLE public.core_snooze ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.core_snooze_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.core_user (
    id bigint NOT NULL,
    password character varying(128) NOT NULL,
    last_login timestamp with time zone,
    is_superuser boolean NOT NULL,
    email character varying(254) NOT NULL,
    name character varying(200) NOT NULL,
    is_active boolean NOT NULL,
    is_staff boolean NOT NULL,
    created_at timestamp with time zone NOT NULL,
    time_zone character varying(64) DEFAULT ''::character varying NOT NULL,
    language character varying(10) DEFAULT ''::character varying NOT NULL
);
CREATE TABLE public.core_user_groups (
    id bigint NOT NULL,
    user_id bigint NOT NULL,
    group_id integer NOT NULL
);
ALTER TABLE public.core_user_groups ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.core_user_groups_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
ALTER TABLE public.core_user ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.core_user_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.core_user_user_permissions (
    id bigint NOT NULL,
    user_id bigint NOT NULL,
    permission_id integer NOT NULL
);
ALTER TABLE public.core_user_user_permissions ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.core_user_user_permissions_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.django_admin_log (
    id integer NOT NULL,
    action_time timestamp with time zone NOT NULL,
    object_id text,
    object_repr character varying(200) NOT NULL,
    action_flag smallint NOT NULL,
    change_message text NOT NULL,
    content_type_id integer,
    user_id bigint NOT NULL,
    CONSTRAINT django_admin_log_action_flag_check CHECK ((action_flag >= 0))
);
ALTER TABLE public.django_admin_log ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.django_admin_log_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.django_content_type (
    id integer NOT NULL,
    app_label character varying(100) NOT NULL,
    model character varying(100) NOT NULL
);
ALTER TABLE public.django_content_type ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.django_content_type_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.django_migrations (
    id bigint NOT NULL,
    app character varying(255) NOT NULL,
    name character varying(255) NOT NULL,
    applied timestamp with time zone NOT NULL
);
ALTER TABLE public.django_migrations ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.django_migrations_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.django_session (
    session_key character varying(40) NOT NULL,
    session_data text NOT NULL,
    expire_date timestamp with time zone NOT NULL
);
CREATE TABLE public.fulfilment_shipment (
    id bigint NOT NULL,
    reference character varying(80) NOT NULL,
    carrier character varying(60) NOT NULL,
    tracking_number character varying(100) NOT NULL,
    tracking_url character varying(300) NOT NULL,
    shipped_at timestamp with time zone NOT NULL,
    actor character varying(60) NOT NULL,
    order_id bigint NOT NULL,
    organisation_id bigint NOT NULL
);
ALTER TABLE ONLY public.fulfilment_shipment FORCE ROW LEVEL SECURITY;
ALTER TABLE public.fulfilment_shipment ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.fulfilment_shipment_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.fulfilment_shipmentline (
    id bigint NOT NULL,
    quantity integer NOT NULL,
    line_id bigint NOT NULL,
    organisation_id bigint NOT NULL,
    shipment_id bigint NOT NULL,
    CONSTRAINT shipment_line_positive CHECK ((quantity > 0))
);
ALTER TABLE ONLY public.fulfilment_shipmentline FORCE ROW LEVEL SECURITY;
ALTER TABLE public.fulfilment_shipmentline ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.fulfilment_shipmentline_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.orders_amount (
    id bigint NOT NULL,
    kind character varying(10) NOT NULL,
    amount numeric(18,4) NOT NULL,
    currency character varying(3) NOT NULL,
    tax_included boolean NOT NULL,
    rate numeric(9,6),
    owed_by character varying(12) NOT NULL,
    label character varying(100) NOT NULL,
    organisation_id bigint NOT NULL,
    order_id bigint NOT NULL,
    line_id bigint
);
ALTER TABLE ONLY public.orders_amount FORCE ROW LEVEL SECURITY;
ALTER TABLE public.orders_amount ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.orders_amount_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.orders_delay (
    id bigint NOT NULL,
    operation character varying(12) NOT NULL,
    hour timestamp with time zone NOT NULL,
    count bigint NOT NULL,
    ours_seconds double precision NOT NULL,
    theirs_seconds double precision NOT NULL,
    limits_seconds double precision NOT NULL,
    total jsonb NOT NULL,
    ours jsonb NOT NULL,
    theirs jsonb NOT NULL,
    limits jsonb NOT NULL,
    worst jsonb NOT NULL,
    channel_id bigint NOT NULL,
    organisation_id bigint NOT NULL
);
ALTER TABLE ONLY public.orders_delay FORCE ROW LEVEL SECURITY;
ALTER TABLE public.orders_delay ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.orders_delay_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.orders_exposure (
    id bigint NOT NULL,
    hour timestamp with time zone NOT NULL,
    cuts integer NOT NULL,
    units integer NOT NULL,
    worst integer NOT NULL,
    seconds double precision NOT NULL,
    longest double precision NOT NULL,
    unit_seconds double precision NOT NULL,
    channel_id bigint NOT NULL,
    organisation_id bigint NOT NULL
);
ALTER TABLE ONLY public.orders_exposure FORCE ROW LEVEL SECURITY;
ALTER TABLE public.orders_exposure ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.orders_exposure_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.orders_order (
    id bigint NOT NULL,
    external_id character varying(100) NOT NULL,
    number character varying(100) NOT NULL,
    state character varying(12) NOT NULL,
    remote_state character varying(60) NOT NULL,
    fulfilled_by character varying(12) NOT NULL,
    ordered_at timestamp with time zone NOT NULL,
    remote_modified_at timestamp with time zone,
    fetched_at timestamp with time zone NOT NULL,
    imported_at timestamp with time zone NOT NULL,
    acknowledge_by timestamp with time zone,
    acknowledged_at timestamp with time zone,
    dispatch_by timestamp with time zone,
    currency character varying(3) NOT NULL,
    digest bytea NOT NULL,
    at_cutover boolean NOT NULL,
    channel_id bigint NOT NULL,
    connection_id bigint NOT NULL,
    organisation_id bigint NOT NULL,
    unfound_until timestamp with time zone,
    not_listed_at timestamp with time zone
);
ALTER TABLE ONLY public.orders_order FORCE ROW LEVEL SECURITY;
ALTER TABLE public.orders_order ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.orders_order_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.orders_orderdesk (
    id bigint NOT NULL,
    opens_with character varying(40) NOT NULL,
    carrier character varying(60) NOT NULL,
    organisation_id bigint NOT NULL,
    user_id bigint NOT NULL
);
ALTER TABLE ONLY public.orders_orderdesk FORCE ROW LEVEL SECURITY;
ALTER TABLE public.orders_orderdesk ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.orders_orderdesk_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.orders_orderevent (
    id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    kind character varying(30) NOT NULL,
    actor character varying(60) NOT NULL,
    detail jsonb NOT NULL,
    order_id bigint NOT NULL,
    organisation_id bigint NOT NULL
);
ALTER TABLE ONLY public.orders_orderevent FORCE ROW LEVEL SECURITY;
ALTER TABLE public.orders_orderevent ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.orders_orderevent_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.orders_orderline (
    id bigint NOT NULL,
    line_id character varying(60) NOT NULL,
    sku character varying(100) NOT NULL,
    external_offer_id character varying(100) NOT NULL,
    title character varying(500) NOT NULL,
    pack_factor integer NOT NULL,
    ordered integer NOT NULL,
    cancelled integer NOT NULL,
    shipped integer NOT NULL,
    returned integer NOT NULL,
    refunded integer NOT NULL,
    cancel_requested integer NOT NULL,
    short integer NOT NULL,
    offer_id bigint,
    order_id bigint NOT NULL,
    organisation_id bigint NOT NULL,
    stock_unit_id bigint,
    taken_back integer DEFAULT 0 NOT NULL,
    told_shipped integer DEFAULT 0 NOT NULL,
    unfound integer DEFAULT 0 NOT NULL,
    CONSTRAINT order_line_adds_up CHECK ((ordered >= ((cancelled + shipped) + short))),
    CONSTRAINT order_line_not_negative CHECK (((cancelled >= 0) AND (ordered >= 0) AND (shipped >= 0) AND (short >= 0))),
    CONSTRAINT order_line_returned CHECK (((refunded >= 0) AND (returned >= 0) AND (returned <= shipped))),
    CONSTRAINT order_line_taken_back CHECK (((taken_back >= 0) AND (taken_back <= shipped))),
    CONSTRAINT order_line_unfound CHECK ((unfound >= 0)),
    CONSTRAINT orders_orderline_pack_factor_check CHECK ((pack_factor >= 0))
)
WITH (fillfactor='85');
ALTER TABLE ONLY public.orders_orderline FORCE ROW LEVEL SECURITY;
ALTER TABLE public.orders_orderline ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.orders_orderline_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.orders_ordernote (
    id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    actor character varying(60) NOT NULL,
    key character varying(40) NOT NULL,
    text text NOT NULL,
    order_id bigint NOT NULL,
    organisation_id bigint NOT NULL
);
ALTER TABLE ONLY public.orders_ordernote FORCE ROW LEVEL SECURITY;
ALTER TABLE public.orders_ordernote ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.orders_ordernote_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.orders_ordersplit (
    id bigint NOT NULL,
    units integer NOT NULL,
    at timestamp with time zone NOT NULL,
    into_id bigint NOT NULL,
    line_id bigint NOT NULL,
    organisation_id bigint NOT NULL,
    CONSTRAINT order_split_units CHECK ((units > 0))
);
ALTER TABLE ONLY public.orders_ordersplit FORCE ROW LEVEL SECURITY;
ALTER TABLE public.orders_ordersplit ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.orders_ordersplit_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.orders_orderview (
    id bigint NOT NULL,
    name character varying(60) NOT NULL,
    query character varying(500) NOT NULL,
    actor character varying(60) NOT NULL,
    organisation_id bigint NOT NULL,
    user_id bigint
);
ALTER TABLE ONLY public.orders_orderview FORCE ROW LEVEL SECURITY;
ALTER TABLE public.orders_orderview ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.orders_orderview_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.orders_promise (
    id bigint NOT NULL,
    operation character varying(12) NOT NULL,
    seconds integer NOT NULL,
    organisation_id bigint NOT NULL,
    CONSTRAINT orders_promise_seconds_check CHECK ((seconds >= 0))
);
ALTER TABLE ONLY public.orders_promise FORCE ROW LEVEL SECURITY;
ALTER TABLE public.orders_promise ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.orders_promise_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.orders_raw_payload (
    id bigint NOT NULL,
    organisation_id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    order_id bigint NOT NULL,
    key_version integer NOT NULL,
    ciphertext bytea NOT NULL
)
PARTITION BY RANGE (at);
ALTER TABLE ONLY public.orders_raw_payload FORCE ROW LEVEL SECURITY;
CREATE TABLE public.orders_raw_payload_default (
    id bigint CONSTRAINT orders_raw_payload_id_not_null NOT NULL,
    organisation_id bigint CONSTRAINT orders_raw_payload_organisation_id_not_null NOT NULL,
    at timestamp with time zone CONSTRAINT orders_raw_payload_at_not_null NOT NULL,
    order_id bigint CONSTRAINT orders_raw_payload_order_id_not_null NOT NULL,
    key_version integer CONSTRAINT orders_raw_payload_key_version_not_null NOT NULL,
    ciphertext bytea CONSTRAINT orders_raw_payload_ciphertext_not_null NOT NULL
);
ALTER TABLE ONLY public.orders_raw_payload_default FORCE ROW LEVEL SECURITY;
ALTER TABLE public.orders_raw_payload ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.orders_raw_payload_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.orders_shortage (
    id bigint NOT NULL,
    quantity integer NOT NULL,
    worst integer NOT NULL,
    sold_at timestamp with time zone NOT NULL,
    detected_at timestamp with time zone NOT NULL,
    cut_sent_at timestamp with time zone,
    cut_accepted_at timestamp with time zone,
    verdict character varying(10) NOT NULL,
    resolved_at timestamp with time zone,
    line_id bigint NOT NULL,
    organisation_id bigint NOT NULL,
    stock_unit_id bigint NOT NULL,
    window_id bigint,
    cut_wanted_at timestamp with time zone,
    CONSTRAINT shortage_quantity CHECK (((quantity >= 0) AND (worst > 0)))
);
ALTER TABLE ONLY public.orders_shortage FORCE ROW LEVEL SECURITY;
ALTER TABLE public.orders_shortage ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.orders_shortage_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.procrastinate_events (
    id bigint NOT NULL,
    job_id bigint NOT NULL,
    type public.procrastinate_job_event_type,
    at timestamp with time zone DEFAULT now()
);
CREATE SEQUENCE public.procrastinate_events_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.procrastinate_events_id_seq OWNED BY public.procrastinate_events.id;
CREATE SEQUENCE public.procrastinate_jobs_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.procrastinate_jobs_id_seq OWNED BY public.procrastinate_jobs.id;
CREATE TABLE public.procrastinate_periodic_defers (
    id bigint NOT NULL,
    task_name character varying(128) NOT NULL,
    defer_timestamp bigint,
    job_id bigint,
    periodic_id character varying(128) DEFAULT ''::character varying NOT NULL
);
CREATE SEQUENCE public.procrastinate_periodic_defers_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.procrastinate_periodic_defers_id_seq OWNED BY public.procrastinate_periodic_defers.id;
CREATE TABLE public.procrastinate_workers (
    id bigint NOT NULL,
    last_heartbeat timestamp with time zone DEFAULT now() NOT NULL
);
ALTER TABLE public.procrastinate_workers ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.procrastinate_workers_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.stock_incoming (
    id bigint NOT NULL,
    quantity integer NOT NULL,
    expected_on date NOT NULL,
    organisation_id bigint NOT NULL,
    stock_unit_id bigint NOT NULL,
    location_id bigint NOT NULL,
    CONSTRAINT stock_incoming_quantity_check CHECK ((quantity >= 0))
);
ALTER TABLE ONLY public.stock_incoming FORCE ROW LEVEL SECURITY;
ALTER TABLE public.stock_incoming ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.stock_incoming_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.stock_level (
    on_hand integer NOT NULL,
    allocated integer NOT NULL,
    held integer NOT NULL,
    backorder boolean NOT NULL,
    organisation_id bigint NOT NULL,
    stock_unit_id bigint NOT NULL,
    location_id bigint NOT NULL,
    CONSTRAINT level_allocated_not_negative CHECK ((allocated >= 0)),
    CONSTRAINT level_allocated_within_on_hand CHECK ((backorder OR (allocated <= on_hand))),
    CONSTRAINT level_held_not_negative CHECK ((held >= 0)),
    CONSTRAINT level_on_hand_not_negative CHECK ((on_hand >= 0))
)
WITH (fillfactor='70');
ALTER TABLE ONLY public.stock_level FORCE ROW LEVEL SECURITY;
CREATE TABLE public.stock_location (
    id bigint NOT NULL,
    code character varying(30) NOT NULL,
    name character varying(200) NOT NULL,
    owner character varying(20) NOT NULL,
    virtual_role character varying(20) NOT NULL,
    active boolean NOT NULL,
    sellable boolean NOT NULL,
    allows_backorder boolean NOT NULL,
    priority integer NOT NULL,
    organisation_id bigint NOT NULL,
    CONSTRAINT location_virtual_role CHECK (((((owner)::text = 'virtual'::text) AND ((virtual_role)::text > ''::text)) OR ((NOT ((owner)::text = 'virtual'::text)) AND ((virtual_role)::text = ''::text)))),
    CONSTRAINT stock_location_priority_check CHECK ((priority >= 0))
);
ALTER TABLE ONLY public.stock_location FORCE ROW LEVEL SECURITY;
ALTER TABLE public.stock_location ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.stock_location_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.stock_manualhold (
    id bigint NOT NULL,
    quantity integer NOT NULL,
    reason character varying(300) NOT NULL,
    actor character varying(60) NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone,
    location_id bigint NOT NULL,
    organisation_id bigint NOT NULL,
    stock_unit_id bigint NOT NULL,
    CONSTRAINT manual_hold_positive CHECK ((quantity > 0)),
    CONSTRAINT stock_manualhold_quantity_check CHECK ((quantity >= 0))
);
ALTER TABLE ONLY public.stock_manualhold FORCE ROW LEVEL SECURITY;
ALTER TABLE public.stock_manualhold ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.stock_manualhold_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.stock_movement (
    id bigint NOT NULL,
    quantity integer NOT NULL,
    cause character varying(10) NOT NULL,
    reference character varying(120) NOT NULL,
    reason character varying(300) NOT NULL,
    actor character varying(60) NOT NULL,
    occurred_at timestamp with time zone NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    from_location_id bigint NOT NULL,
    organisation_id bigint NOT NULL,
    stock_unit_id bigint NOT NULL,
    to_location_id bigint NOT NULL,
    CONSTRAINT movement_positive CHECK ((quantity > 0)),
    CONSTRAINT movement_two_legs CHECK ((NOT (from_location_id = to_location_id)))
);
ALTER TABLE ONLY public.stock_movement FORCE ROW LEVEL SECURITY;
ALTER TABLE public.stock_movement ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.stock_movement_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.stock_reservation (
    id bigint NOT NULL,
    owner_type character varying(10) NOT NULL,
    owner_id bigint NOT NULL,
    kind character varying(10) NOT NULL,
    quantity integer NOT NULL,
    due_at timestamp with time zone,
    expires_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL,
    location_id bigint NOT NULL,
    organisation_id bigint NOT NULL,
    stock_unit_id bigint NOT NULL,
    CONSTRAINT reservation_allocated_no_expiry CHECK (((NOT ((kind)::text = 'allocated'::text)) OR (expires_at IS NULL))),
    CONSTRAINT reservation_positive CHECK ((quantity > 0))
);
ALTER TABLE ONLY public.stock_reservation FORCE ROW LEVEL SECURITY;
CREATE TABLE public.stock_reservation_event (
    id bigint NOT NULL,
    organisation_id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    stock_unit_id bigint NOT NULL,
    location_id bigint NOT NULL,
    owner_type character varying(10) NOT NULL,
    owner_id bigint NOT NULL,
    kind character varying(10) NOT NULL,
    before integer NOT NULL,
    after integer NOT NULL,
    cause character varying(60) NOT NULL
)
PARTITION BY RANGE (at);
ALTER TABLE ONLY public.stock_reservation_event FORCE ROW LEVEL SECURITY;
CREATE TABLE public.stock_reservation_event_default (
    id bigint CONSTRAINT stock_reservation_event_id_not_null NOT NULL,
    organisation_id bigint CONSTRAINT stock_reservation_event_organisation_id_not_null NOT NULL,
    at timestamp with time zone CONSTRAINT stock_reservation_event_at_not_null NOT NULL,
    stock_unit_id bigint CONSTRAINT stock_reservation_event_stock_unit_id_not_null NOT NULL,
    location_id bigint CONSTRAINT stock_reservation_event_location_id_not_null NOT NULL,
    owner_type character varying(10) CONSTRAINT stock_reservation_event_owner_type_not_null NOT NULL,
    owner_id bigint CONSTRAINT stock_reservation_event_owner_id_not_null NOT NULL,
    kind character varying(10) CONSTRAINT stock_reservation_event_kind_not_null NOT NULL,
    before integer CONSTRAINT stock_reservation_event_before_not_null NOT NULL,
    after integer CONSTRAINT stock_reservation_event_after_not_null NOT NULL,
    cause character varying(60) CONSTRAINT stock_reservation_event_cause_not_null NOT NULL
);
ALTER TABLE ONLY public.stock_reservation_event_default FORCE ROW LEVEL SECURITY;
ALTER TABLE public.stock_reservation_event ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.stock_reservation_event_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
ALTER TABLE public.stock_reservation ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.stock_reservation_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.stock_sourceproblem (
    id bigint NOT NULL,
    "row" integer NOT NULL,
    "column" character varying(60) NOT NULL,
    value character varying(200) NOT NULL,
    message character varying(300) NOT NULL,
    organisation_id bigint NOT NULL,
    run_id bigint NOT NULL,
    message_words jsonb,
    CONSTRAINT stock_sourceproblem_row_check CHECK (("row" >= 0))
);
ALTER TABLE ONLY public.stock_sourceproblem FORCE ROW LEVEL SECURITY;
ALTER TABLE public.stock_sourceproblem ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.stock_sourceproblem_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.stock_sourcerun (
    id bigint NOT NULL,
    reference character varying(120) NOT NULL,
    name character varying(255) NOT NULL,
    state character varying(10) NOT NULL,
    whole boolean NOT NULL,
    as_of timestamp with time zone NOT NULL,
    actor character varying(60) NOT NULL,
    started_at timestamp with time zone NOT NULL,
    finished_at timestamp with time zone,
    rows_total integer NOT NULL,
    rows_used integer NOT NULL,
    rows_changed integer NOT NULL,
    rows_zeroed integer NOT NULL,
    rows_missing integer NOT NULL,
    rows_left_out integer NOT NULL,
    rows_refused integer NOT NULL,
    problem text NOT NULL,
    allowed_by character varying(60) NOT NULL,
    body bytea,
    organisation_id bigint NOT NULL,
    source_id bigint NOT NULL,
    problem_words jsonb,
    CONSTRAINT stock_sourcerun_rows_changed_check CHECK ((rows_changed >= 0)),
    CONSTRAINT stock_sourcerun_rows_left_out_check CHECK ((rows_left_out >= 0)),
    CONSTRAINT stock_sourcerun_rows_missing_check CHECK ((rows_missing >= 0)),
    CONSTRAINT stock_sourcerun_rows_refused_check CHECK ((rows_refused >= 0)),
    CONSTRAINT stock_sourcerun_rows_total_check CHECK ((rows_total >= 0)),
    CONSTRAINT stock_sourcerun_rows_used_check CHECK ((rows_used >= 0)),
    CONSTRAINT stock_sourcerun_rows_zeroed_check CHECK ((rows_zeroed >= 0))
);
ALTER TABLE ONLY public.stock_sourcerun FORCE ROW LEVEL SECURITY;
ALTER TABLE public.stock_sourcerun ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.stock_sourcerun_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.stock_stale (
    id bigint NOT NULL,
    organisation_id bigint NOT NULL,
    stock_unit_id bigint NOT NULL
);
ALTER TABLE ONLY public.stock_stale FORCE ROW LEVEL SECURITY;
ALTER TABLE public.stock_stale ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.stock_stale_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.stock_stockcount (
    id bigint NOT NULL,
    as_of timestamp with time zone NOT NULL,
    reference character varying(80) NOT NULL,
    actor character varying(60) NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    lines_total integer NOT NULL,
    lines_differing integer NOT NULL,
    location_id bigint NOT NULL,
    organisation_id bigint NOT NULL,
    CONSTRAINT stock_stockcount_lines_differing_check CHECK ((lines_differing >= 0)),
    CONSTRAINT stock_stockcount_lines_total_check CHECK ((lines_total >= 0))
);
ALTER TABLE ONLY public.stock_stockcount FORCE ROW LEVEL SECURITY;
ALTER TABLE public.stock_stockcount ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.stock_stockcount_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.stock_stocksource (
    id bigint NOT NULL,
    name character varying(100) NOT NULL,
    kind character varying(20) NOT NULL,
    config jsonb NOT NULL,
    shape jsonb NOT NULL,
    columns jsonb NOT NULL,
    places jsonb NOT NULL,
    sample jsonb NOT NULL,
    mode character varying(10) NOT NULL,
    basis character varying(10) NOT NULL,
    once boolean NOT NULL,
    interval_minutes integer NOT NULL,
    enabled boolean NOT NULL,
    zero_limit smallint NOT NULL,
    change_limit smallint NOT NULL,
    least_rows smallint NOT NULL,
    limits_from integer NOT NULL,
    silent_after smallint NOT NULL,
    token_hash character varying(64) NOT NULL,
    enabled_at timestamp with time zone,
    fingerprint text NOT NULL,
    next_at timestamp with time zone,
    last_run_at timestamp with time zone,
    last_success_at timestamp with time zone,
    last_as_of timestamp with time zone,
    last_rows integer NOT NULL,
    last_error character varying(500) NOT NULL,
    created_at timestamp with time zone NOT NULL,
    credentials_id bigint,
    location_id bigint NOT NULL,
    organisation_id bigint NOT NULL,
    last_error_words jsonb,
    CONSTRAINT stock_source_deltas_gross CHECK (((NOT ((mode)::text = 'deltas'::text)) OR ((basis)::text = 'gross'::text))),
    CONSTRAINT stock_source_interval CHECK ((interval_minutes > 0)),
    CONSTRAINT stock_stocksource_change_limit_check CHECK ((change_limit >= 0)),
    CONSTRAINT stock_stocksource_interval_minutes_check CHECK ((interval_minutes >= 0)),
    CONSTRAINT stock_stocksource_last_rows_check CHECK ((last_rows >= 0)),
    CONSTRAINT stock_stocksource_least_rows_check CHECK ((least_rows >= 0)),
    CONSTRAINT stock_stocksource_limits_from_check CHECK ((limits_from >= 0)),
    CONSTRAINT stock_stocksource_silent_after_check CHECK ((silent_after >= 0)),
    CONSTRAINT stock_stocksource_zero_limit_check CHECK ((zero_limit >= 0))
);
ALTER TABLE ONLY public.stock_stocksource FORCE ROW LEVEL SECURITY;
ALTER TABLE public.stock_stocksource ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.stock_stocksource_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.sync_exchange (
    id bigint NOT NULL,
    token character varying(64) NOT NULL,
    user_name character varying(60) NOT NULL,
    password_hash character varying(64) NOT NULL,
    time_zone character varying(64) NOT NULL,
    give_orders boolean NOT NULL,
    orders_since timestamp with time zone NOT NULL,
    encoding character varying(20) NOT NULL,
    place_names jsonb NOT NULL,
    reports_back boolean NOT NULL,
    failed_logins integer NOT NULL,
    last_failed_at timestamp with time zone,
    last_call_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL,
    organisation_id bigint NOT NULL,
    source_id bigint NOT NULL,
    CONSTRAINT sync_exchange_failed_logins_check CHECK ((failed_logins >= 0))
);
ALTER TABLE ONLY public.sync_exchange FORCE ROW LEVEL SECURITY;
ALTER TABLE public.sync_exchange ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.sync_exchange_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.sync_exchangefile (
    id bigint NOT NULL,
    name character varying(200) NOT NULL,
    stage character varying(10) NOT NULL,
    size bigint NOT NULL,
    whole boolean NOT NULL,
    worked_on_until timestamp with time zone,
    organisation_id bigint NOT NULL,
    session_id bigint NOT NULL
);
ALTER TABLE ONLY public.sync_exchangefile FORCE ROW LEVEL SECURITY;
ALTER TABLE public.sync_exchangefile ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.sync_exchangefile_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.sync_exchangegood (
    id bigint NOT NULL,
    code character varying(100) NOT NULL,
    article character varying(100) NOT NULL,
    gtin character varying(60) NOT NULL,
    title character varying(300) NOT NULL,
    deleted boolean NOT NULL,
    exchange_id bigint NOT NULL,
    organisation_id bigint NOT NULL
);
ALTER TABLE ONLY public.sync_exchangegood FORCE ROW LEVEL SECURITY;
ALTER TABLE public.sync_exchangegood ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.sync_exchangegood_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.sync_exchangeorder (
    id bigint NOT NULL,
    offered character varying(32) NOT NULL,
    confirmed character varying(32) NOT NULL,
    confirmed_at timestamp with time zone,
    number character varying(60) NOT NULL,
    status character varying(200) NOT NULL,
    cancelled boolean NOT NULL,
    posted boolean NOT NULL,
    paid boolean NOT NULL,
    shipment character varying(60) NOT NULL,
    heard_at timestamp with time zone,
    exchange_id bigint NOT NULL,
    order_id bigint NOT NULL,
    organisation_id bigint NOT NULL,
    session_id bigint
);
ALTER TABLE ONLY public.sync_exchangeorder FORCE ROW LEVEL SECURITY;
ALTER TABLE public.sync_exchangeorder ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.sync_exchangeorder_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.sync_exchangeparked (
    id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    code character varying(100) NOT NULL,
    number character varying(100) NOT NULL,
    message character varying(300) NOT NULL,
    exchange_id bigint NOT NULL,
    organisation_id bigint NOT NULL
);
ALTER TABLE ONLY public.sync_exchangeparked FORCE ROW LEVEL SECURITY;
ALTER TABLE public.sync_exchangeparked ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.sync_exchangeparked_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.sync_exchangepart (
    id bigint NOT NULL,
    "position" integer NOT NULL,
    digest character varying(64) NOT NULL,
    key_version integer NOT NULL,
    content bytea NOT NULL,
    file_id bigint NOT NULL,
    organisation_id bigint NOT NULL,
    CONSTRAINT sync_exchangepart_position_check CHECK (("position" >= 0))
);
ALTER TABLE ONLY public.sync_exchangepart FORCE ROW LEVEL SECURITY;
ALTER TABLE public.sync_exchangepart ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.sync_exchangepart_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.sync_exchangesession (
    id bigint NOT NULL,
    kind character varying(10) NOT NULL,
    key_hash character varying(64) NOT NULL,
    version character varying(10) NOT NULL,
    started boolean NOT NULL,
    begun_at timestamp with time zone NOT NULL,
    last_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    as_of timestamp with time zone,
    bytes_in bigint NOT NULL,
    files_in integer NOT NULL,
    figures_in integer NOT NULL,
    orders_given integer NOT NULL,
    orders_confirmed integer NOT NULL,
    orders_back integer NOT NULL,
    failure character varying(500) NOT NULL,
    exchange_id bigint NOT NULL,
    organisation_id bigint NOT NULL,
    CONSTRAINT sync_exchangesession_figures_in_check CHECK ((figures_in >= 0)),
    CONSTRAINT sync_exchangesession_files_in_check CHECK ((files_in >= 0)),
    CONSTRAINT sync_exchangesession_orders_back_check CHECK ((orders_back >= 0)),
    CONSTRAINT sync_exchangesession_orders_confirmed_check CHECK ((orders_confirmed >= 0)),
    CONSTRAINT sync_exchangesession_orders_given_check CHECK ((orders_given >= 0))
);
ALTER TABLE ONLY public.sync_exchangesession FORCE ROW LEVEL SECURITY;
ALTER TABLE public.sync_exchangesession ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.sync_exchangesession_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
ALTER TABLE ONLY public.channels_sent_log ATTACH PARTITION public.channels_sent_log_default DEFAULT;
ALTER TABLE ONLY public.orders_raw_payload ATTACH PARTITION public.orders_raw_payload_default DEFAULT;
ALTER TABLE ONLY public.stock_reservation_event ATTACH PARTITION public.stock_reservation_event_default DEFAULT;
ALTER TABLE ONLY public.procrastinate_events ALTER COLUMN id SET DEFAULT nextval('public.procrastinate_events_id_seq'::regclass);
ALTER TABLE ONLY public.procrastinate_jobs ALTER COLUMN id SET DEFAULT nextval('public.procrastinate_jobs_id_seq'::regclass);
ALTER TABLE ONLY public.procrastinate_periodic_defers ALTER COLUMN id SET DEFAULT nextval('public.procrastinate_periodic_defers_id_seq'::regclass);
ALTER TABLE ONLY public.auth_group
    ADD CONSTRAINT auth_group_name_key UNIQUE (name);
ALTER TABLE ONLY public.auth_group_permissions
    ADD CONSTRAINT auth_group_permissions_group_id_permission_id_0cd325b0_uniq UNIQUE (group_id, permission_id);
ALTER TABLE ONLY public.auth_group_permissions
    ADD CONSTRAINT auth_group_permissions_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.auth_group
    ADD CONSTRAINT auth_group_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.auth_permission
    ADD CONSTRAINT auth_permission_content_type_id_codename_01ab375a_uniq UNIQUE (content_type_id, codename);
ALTER TABLE ONLY public.auth_permission
    ADD CONSTRAINT auth_permission_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.axes_accessattempt
    ADD CONSTRAINT axes_accessattempt_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.axes_accessattempt
    ADD CONSTRAINT axes_accessattempt_username_ip_address_user_agent_8ea22282_uniq UNIQUE (username, ip_address, user_agent);
ALTER TABLE ONLY public.axes_accessattemptexpiration
    ADD CONSTRAINT axes_accessattemptexpiration_pkey PRIMARY KEY (access_attempt_id);
ALTER TABLE ONLY public.axes_accessfailurelog
    ADD CONSTRAINT axes_accessfailurelog_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.axes_accesslog
    ADD CONSTRAINT axes_accesslog_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.catalog_identifier
    ADD CONSTRAINT catalog_identifier_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.catalog_importproblem
    ADD CONSTRAINT catalog_importproblem_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.catalog_importrun
    ADD CONSTRAINT catalog_importrun_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.catalog_kitcomponent
    ADD CONSTRAINT catalog_kitcomponent_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.catalog_price
    ADD CONSTRAINT catalog_price_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.catalog_pricelist
    ADD CONSTRAINT catalog_pricelist_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.catalog_product
    ADD CONSTRAINT catalog_product_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.catalog_stockunit
    ADD CONSTRAINT catalog_stockunit_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.catalog_variant
    ADD CONSTRAINT catalog_variant_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.channels_channel
    ADD CONSTRAINT channel_code_once UNIQUE (organisation_id, code);
ALTER TABLE ONLY public.channels_channellocation
    ADD CONSTRAINT channel_location_once UNIQUE (channel_id, location_id);
ALTER TABLE ONLY public.channels_channel
    ADD CONSTRAINT channels_channel_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.channels_channellocation
    ADD CONSTRAINT channels_channellocation_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.channels_command
    ADD CONSTRAINT channels_command_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.channels_connection
    ADD CONSTRAINT channels_connection_hint_token_key UNIQUE (hint_token);
ALTER TABLE ONLY public.channels_connection
    ADD CONSTRAINT channels_connection_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.channels_drift
    ADD CONSTRAINT channels_drift_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.channels_furtherfield
    ADD CONSTRAINT channels_furtherfield_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.channels_guardedunit
    ADD CONSTRAINT channels_guardedunit_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.channels_guardedunit
    ADD CONSTRAINT channels_guardedunit_stock_unit_id_key UNIQUE (stock_unit_id);
ALTER TABLE ONLY public.channels_lane
    ADD CONSTRAINT channels_lane_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.channels_lanestep
    ADD CONSTRAINT channels_lanestep_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.channels_observedhold
    ADD CONSTRAINT channels_observedhold_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.channels_offer
    ADD CONSTRAINT channels_offer_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.channels_offerprice
    ADD CONSTRAINT channels_offerprice_pkey PRIMARY KEY (offer_id);
ALTER TABLE ONLY public.channels_offertodo
    ADD CONSTRAINT channels_offertodo_pkey PRIMARY KEY (offer_id, kind);
ALTER TABLE ONLY public.channels_openevent
    ADD CONSTRAINT channels_openevent_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.channels_parked
    ADD CONSTRAINT channels_parked_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.channels_ratebudget
    ADD CONSTRAINT channels_ratebudget_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.channels_remotelisting
    ADD CONSTRAINT channels_remotelisting_offer_id_key UNIQUE (offer_id);
ALTER TABLE ONLY public.channels_remotelisting
    ADD CONSTRAINT channels_remotelisting_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.channels_ringfence
    ADD CONSTRAINT channels_ringfence_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.channels_ruleoverride
    ADD CONSTRAINT channels_ruleoverride_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.channels_ruleversion
    ADD CONSTRAINT channels_ruleversion_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.channels_run
    ADD CONSTRAINT channels_run_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.channels_sendingcolumns
    ADD CONSTRAINT channels_sendingcolumns_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.channels_sendplan
    ADD CONSTRAINT channels_sendplan_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.channels_sendplanpart
    ADD CONSTRAINT channels_sendplanpart_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.channels_sendtask
    ADD CONSTRAINT channels_sendtask_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.channels_sendtaskpart
    ADD CONSTRAINT channels_sendtaskpart_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.channels_sent_log
    ADD CONSTRAINT sent_log_offer PRIMARY KEY (offer_id, at, id);
ALTER TABLE ONLY public.channels_sent_log_default
    ADD CONSTRAINT channels_sent_log_default_pkey PRIMARY KEY (offer_id, at, id);
ALTER TABLE ONLY public.channels_ticket
    ADD CONSTRAINT channels_ticket_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.channels_ticketitem
    ADD CONSTRAINT channels_ticketitem_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.channels_unitsale
    ADD CONSTRAINT channels_unitsale_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.channels_wait
    ADD CONSTRAINT channels_wait_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.channels_writewindow
    ADD CONSTRAINT channels_writewindow_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.channels_command
    ADD CONSTRAINT command_once UNIQUE (connection_id, key);
ALTER TABLE ONLY public.channels_connection
    ADD CONSTRAINT connection_name_once UNIQUE (organisation_id, platform, name);
ALTER TABLE ONLY public.core_apikey
    ADD CONSTRAINT core_apikey_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.core_apikey
    ADD CONSTRAINT core_apikey_token_hash_key UNIQUE (token_hash);
ALTER TABLE ONLY public.core_auditentry
    ADD CONSTRAINT core_auditentry_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.core_dailyrun
    ADD CONSTRAINT core_dailyrun_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.core_databaseidentity
    ADD CONSTRAINT core_databaseidentity_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.core_datakey
    ADD CONSTRAINT core_datakey_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.core_factchange
    ADD CONSTRAINT core_factchange_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.core_fileexport
    ADD CONSTRAINT core_fileexport_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.core_fileexportpart
    ADD CONSTRAINT core_fileexportpart_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.core_invitation
    ADD CONSTRAINT core_invitation_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.core_invitation
    ADD CONSTRAINT core_invitation_token_hash_key UNIQUE (token_hash);
ALTER TABLE ONLY public.core_membership
    ADD CONSTRAINT core_membership_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.core_noticemessage
    ADD CONSTRAINT core_noticemessage_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.core_noticetarget
    ADD CONSTRAINT core_noticetarget_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.core_notification
    ADD CONSTRAINT core_notification_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.core_organisation
    ADD CONSTRAINT core_organisation_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.core_organisation
    ADD CONSTRAINT core_organisation_slug_key UNIQUE (slug);
ALTER TABLE ONLY public.core_personaldata
    ADD CONSTRAINT core_personaldata_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.core_personalword
    ADD CONSTRAINT core_personalword_pkey PRIMARY KEY (organisation_id, word, "row");
ALTER TABLE ONLY public.core_recoverycode
    ADD CONSTRAINT core_recoverycode_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.core_secondfactor
    ADD CONSTRAINT core_secondfactor_pkey PRIMARY KEY (user_id);
ALTER TABLE ONLY public.core_secret
    ADD CONSTRAINT core_secret_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.core_signedin
    ADD CONSTRAINT core_signedin_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.core_signedin
    ADD CONSTRAINT core_signedin_session_key_key UNIQUE (session_key);
ALTER TABLE ONLY public.core_signinlink
    ADD CONSTRAINT core_signinlink_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.core_signinlink
    ADD CONSTRAINT core_signinlink_token_hash_key UNIQUE (token_hash);
ALTER TABLE ONLY public.core_snooze
    ADD CONSTRAINT core_snooze_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.core_user
    ADD CONSTRAINT core_user_email_key UNIQUE (email);
ALTER TABLE ONLY public.core_user_groups
    ADD CONSTRAINT core_user_groups_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.core_user_groups
    ADD CONSTRAINT core_user_groups_user_id_group_id_c82fcad1_uniq UNIQUE (user_id, group_id);
ALTER TABLE ONLY public.core_user
    ADD CONSTRAINT core_user_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.core_user_user_permissions
    ADD CONSTRAINT core_user_user_permissions_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.core_user_user_permissions
    ADD CONSTRAINT core_user_user_permissions_user_id_permission_id_73ea0daa_uniq UNIQUE (user_id, permission_id);
ALTER TABLE ONLY public.core_datakey
    ADD CONSTRAINT data_key_once UNIQUE (organisation_id, version);
ALTER TABLE ONLY public.orders_delay
    ADD CONSTRAINT delay_once UNIQUE (channel_id, operation, hour);
ALTER TABLE ONLY public.django_admin_log
    ADD CONSTRAINT django_admin_log_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.django_content_type
    ADD CONSTRAINT django_content_type_app_label_model_76bd3d3b_uniq UNIQUE (app_label, model);
ALTER TABLE ONLY public.django_content_type
    ADD CONSTRAINT django_content_type_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.django_migrations
    ADD CONSTRAINT django_migrations_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.django_session
    ADD CONSTRAINT django_session_pkey PRIMARY KEY (session_key);
ALTER TABLE ONLY public.sync_exchangefile
    ADD CONSTRAINT exchange_file_once UNIQUE (session_id, name);
ALTER TABLE ONLY public.sync_exchangegood
    ADD CONSTRAINT exchange_good_once UNIQUE (exchange_id, code);
ALTER TABLE ONLY public.sync_exchangeorder
    ADD CONSTRAINT exchange_order_once UNIQUE (exchange_id, order_id);
ALTER TABLE ONLY public.sync_exchangepart
    ADD CONSTRAINT exchange_part_once UNIQUE (file_id, "position");
ALTER TABLE ONLY public.orders_exposure
    ADD CONSTRAINT exposure_once UNIQUE (channel_id, hour);
ALTER TABLE ONLY public.core_fileexportpart
    ADD CONSTRAINT file_export_part_once UNIQUE (export_id, "position");
ALTER TABLE ONLY public.fulfilment_shipment
    ADD CONSTRAINT fulfilment_shipment_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.fulfilment_shipmentline
    ADD CONSTRAINT fulfilment_shipmentline_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.channels_furtherfield
    ADD CONSTRAINT further_field_once UNIQUE (organisation_id, label);
ALTER TABLE ONLY public.catalog_identifier
    ADD CONSTRAINT identifier_once UNIQUE (organisation_id, kind, scope, value, stock_unit_id);
ALTER TABLE ONLY public.stock_incoming
    ADD CONSTRAINT incoming_once UNIQUE (stock_unit_id, location_id, expected_on);
ALTER TABLE ONLY public.catalog_kitcomponent
    ADD CONSTRAINT kit_component_once UNIQUE (kit_id, component_id);
ALTER TABLE ONLY public.channels_lane
    ADD CONSTRAINT lane_once UNIQUE (subject_type, subject_id, kind);
ALTER TABLE ONLY public.channels_lanestep
    ADD CONSTRAINT lane_step_once UNIQUE (lane_id, step);
ALTER TABLE ONLY public.stock_location
    ADD CONSTRAINT location_code_once UNIQUE (organisation_id, code);
ALTER TABLE ONLY public.stock_manualhold
    ADD CONSTRAINT manual_hold_once UNIQUE (stock_unit_id, location_id);
ALTER TABLE ONLY public.core_membership
    ADD CONSTRAINT membership_once UNIQUE (organisation_id, user_id);
ALTER TABLE ONLY public.stock_movement
    ADD CONSTRAINT movement_reference_once UNIQUE (organisation_id, reference);
ALTER TABLE ONLY public.core_noticetarget
    ADD CONSTRAINT notice_target_name_once UNIQUE (organisation_id, name);
ALTER TABLE ONLY public.channels_offer
    ADD CONSTRAINT offer_sku_once UNIQUE (channel_id, sku);
ALTER TABLE ONLY public.orders_orderdesk
    ADD CONSTRAINT order_desk_once UNIQUE (organisation_id, user_id);
ALTER TABLE ONLY public.orders_orderline
    ADD CONSTRAINT order_line_once UNIQUE (order_id, line_id);
ALTER TABLE ONLY public.orders_ordernote
    ADD CONSTRAINT order_note_once UNIQUE (order_id, key);
ALTER TABLE ONLY public.orders_order
    ADD CONSTRAINT order_once UNIQUE (connection_id, external_id);
ALTER TABLE ONLY public.orders_ordersplit
    ADD CONSTRAINT order_split_once UNIQUE (line_id, into_id);
ALTER TABLE ONLY public.orders_orderview
    ADD CONSTRAINT order_view_once UNIQUE NULLS NOT DISTINCT (organisation_id, user_id, name);
ALTER TABLE ONLY public.orders_amount
    ADD CONSTRAINT orders_amount_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.orders_delay
    ADD CONSTRAINT orders_delay_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.orders_exposure
    ADD CONSTRAINT orders_exposure_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.orders_order
    ADD CONSTRAINT orders_order_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.orders_orderdesk
    ADD CONSTRAINT orders_orderdesk_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.orders_orderevent
    ADD CONSTRAINT orders_orderevent_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.orders_orderline
    ADD CONSTRAINT orders_orderline_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.orders_ordernote
    ADD CONSTRAINT orders_ordernote_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.orders_ordersplit
    ADD CONSTRAINT orders_ordersplit_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.orders_orderview
    ADD CONSTRAINT orders_orderview_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.orders_promise
    ADD CONSTRAINT orders_promise_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.orders_raw_payload
    ADD CONSTRAINT orders_raw_payload_pkey PRIMARY KEY (id, at);
ALTER TABLE ONLY public.orders_raw_payload_default
    ADD CONSTRAINT orders_raw_payload_default_pkey PRIMARY KEY (id, at);
ALTER TABLE ONLY public.orders_shortage
    ADD CONSTRAINT orders_shortage_line_id_key UNIQUE (line_id);
ALTER TABLE ONLY public.orders_shortage
    ADD CONSTRAINT orders_shortage_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.channels_parked
    ADD CONSTRAINT parked_once UNIQUE (connection_id, kind, external_id);
ALTER TABLE ONLY public.core_personaldata
    ADD CONSTRAINT personal_data_once UNIQUE (organisation_id, subject_type, subject_id, purpose);
ALTER TABLE ONLY public.catalog_pricelist
    ADD CONSTRAINT price_list_once UNIQUE (organisation_id, code);
ALTER TABLE ONLY public.catalog_price
    ADD CONSTRAINT price_once UNIQUE (price_list_id, stock_unit_id);
ALTER TABLE ONLY public.procrastinate_events
    ADD CONSTRAINT procrastinate_events_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.procrastinate_jobs
    ADD CONSTRAINT procrastinate_jobs_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.procrastinate_periodic_defers
    ADD CONSTRAINT procrastinate_periodic_defers_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.procrastinate_periodic_defers
    ADD CONSTRAINT procrastinate_periodic_defers_unique UNIQUE (task_name, periodic_id, defer_timestamp);
ALTER TABLE ONLY public.procrastinate_workers
    ADD CONSTRAINT procrastinate_workers_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.orders_promise
    ADD CONSTRAINT promise_once UNIQUE (organisation_id, operation);
ALTER TABLE ONLY public.channels_ratebudget
    ADD CONSTRAINT rate_budget_once UNIQUE (connection_id, bucket);
ALTER TABLE ONLY public.core_recoverycode
    ADD CONSTRAINT recovery_code_once UNIQUE (user_id, code_hash);
ALTER TABLE ONLY public.channels_remotelisting
    ADD CONSTRAINT remote_listing_once UNIQUE (channel_id, sku, external_id);
ALTER TABLE ONLY public.stock_reservation
    ADD CONSTRAINT reservation_once UNIQUE (owner_type, owner_id, stock_unit_id, location_id, kind);
ALTER TABLE ONLY public.channels_ringfence
    ADD CONSTRAINT ring_fence_once UNIQUE (channel_id, stock_unit_id);
ALTER TABLE ONLY public.core_secret
    ADD CONSTRAINT secret_once UNIQUE (organisation_id, purpose);
ALTER TABLE ONLY public.channels_sendplanpart
    ADD CONSTRAINT send_plan_part_once UNIQUE (plan_id, channel_id);
ALTER TABLE ONLY public.channels_sendtaskpart
    ADD CONSTRAINT send_task_part_once UNIQUE (task_id, channel_id);
ALTER TABLE ONLY public.channels_sendingcolumns
    ADD CONSTRAINT sending_columns_once UNIQUE (organisation_id, user_id);
ALTER TABLE ONLY public.fulfilment_shipmentline
    ADD CONSTRAINT shipment_line_once UNIQUE (shipment_id, line_id);
ALTER TABLE ONLY public.fulfilment_shipment
    ADD CONSTRAINT shipment_once UNIQUE (organisation_id, reference);
ALTER TABLE ONLY public.stock_sourcerun
    ADD CONSTRAINT source_run_once UNIQUE (source_id, reference);
ALTER TABLE ONLY public.stock_stale
    ADD CONSTRAINT stale_once UNIQUE (organisation_id, stock_unit_id);
ALTER TABLE ONLY public.stock_stockcount
    ADD CONSTRAINT stock_count_once UNIQUE (organisation_id, reference);
ALTER TABLE ONLY public.stock_incoming
    ADD CONSTRAINT stock_incoming_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.stock_level
    ADD CONSTRAINT stock_level_pkey PRIMARY KEY (stock_unit_id, location_id);
ALTER TABLE ONLY public.stock_location
    ADD CONSTRAINT stock_location_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.stock_manualhold
    ADD CONSTRAINT stock_manualhold_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.stock_movement
    ADD CONSTRAINT stock_movement_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.stock_reservation_event
    ADD CONSTRAINT stock_reservation_event_pkey PRIMARY KEY (id, at);
ALTER TABLE ONLY public.stock_reservation_event_default
    ADD CONSTRAINT stock_reservation_event_default_pkey PRIMARY KEY (id, at);
ALTER TABLE ONLY public.stock_reservation
    ADD CONSTRAINT stock_reservation_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.stock_stocksource
    ADD CONSTRAINT stock_source_name_once UNIQUE (organisation_id, name);
ALTER TABLE ONLY public.stock_sourceproblem
    ADD CONSTRAINT stock_sourceproblem_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.stock_sourcerun
    ADD CONSTRAINT stock_sourcerun_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.stock_stale
    ADD CONSTRAINT stock_stale_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.stock_stockcount
    ADD CONSTRAINT stock_stockcount_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.stock_stocksource
    ADD CONSTRAINT stock_stocksource_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.catalog_stockunit
    ADD CONSTRAINT stock_unit_kind UNIQUE (id, kind);
ALTER TABLE ONLY public.catalog_stockunit
    ADD CONSTRAINT stock_unit_sku_once UNIQUE (organisation_id, sku);
ALTER TABLE ONLY public.sync_exchange
    ADD CONSTRAINT sync_exchange_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.sync_exchange
    ADD CONSTRAINT sync_exchange_source_id_key UNIQUE (source_id);
ALTER TABLE ONLY public.sync_exchange
    ADD CONSTRAINT sync_exchange_token_key UNIQUE (token);
ALTER TABLE ONLY public.sync_exchangefile
    ADD CONSTRAINT sync_exchangefile_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.sync_exchangegood
    ADD CONSTRAINT sync_exchangegood_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.sync_exchangeorder
    ADD CONSTRAINT sync_exchangeorder_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.sync_exchangeparked
    ADD CONSTRAINT sync_exchangeparked_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.sync_exchangepart
    ADD CONSTRAINT sync_exchangepart_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.sync_exchangesession
    ADD CONSTRAINT sync_exchangesession_key_hash_key UNIQUE (key_hash);
ALTER TABLE ONLY public.sync_exchangesession
    ADD CONSTRAINT sync_exchangesession_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.channels_ticketitem
    ADD CONSTRAINT ticket_item_once UNIQUE (ticket_id, offer_id);
ALTER TABLE ONLY public.catalog_variant
    ADD CONSTRAINT variant_once UNIQUE (product_id, stock_unit_id, label);
CREATE UNIQUE INDEX api_key_name_once ON public.core_apikey USING btree (organisation_id, name) WHERE (ended_at IS NULL);
CREATE INDEX audit_action ON public.core_auditentry USING btree (organisation_id, action, at DESC, id DESC);
CREATE INDEX audit_actor ON public.core_auditentry USING btree (organisation_id, actor, at DESC, id DESC);
CREATE INDEX audit_recent ON public.core_auditentry USING btree (organisation_id, id DESC);
CREATE INDEX audit_subject ON public.core_auditentry USING btree (organisation_id, subject_type, subject_id, id DESC);
CREATE INDEX audit_time ON public.core_auditentry USING btree (organisation_id, at DESC, id DESC);
CREATE INDEX auth_group_name_a6ea08ec_like ON public.auth_group USING btree (name varchar_pattern_ops);
CREATE INDEX auth_group_permissions_group_id_b120cbf9 ON public.auth_group_permissions USING btree (group_id);
CREATE INDEX auth_group_permissions_permission_id_84c5c92e ON public.auth_group_permissions USING btree (permission_id);
CREATE INDEX auth_permission_content_type_id_2f476e4b ON public.auth_permission USING btree (content_type_id);
CREATE INDEX axes_accessattempt_ip_address_10922d9c ON public.axes_accessattempt USING btree (ip_address);
CREATE INDEX axes_accessattempt_user_agent_ad89678b ON public.axes_accessattempt USING btree (user_agent);
CREATE INDEX axes_accessattempt_user_agent_ad89678b_like ON public.axes_accessattempt USING btree (user_agent varchar_pattern_ops);
CREATE INDEX axes_accessattempt_username_3f2d4ca0 ON public.axes_accessattempt USING btree (username);
CREATE INDEX axes_accessattempt_username_3f2d4ca0_like ON public.axes_accessattempt USING btree (username varchar_pattern_ops);
CREATE INDEX axes_accessfailurelog_ip_address_2e9f5a7f ON public.axes_accessfailurelog USING btree (ip_address);
CREATE INDEX axes_accessfailurelog_user_agent_ea145dda ON public.axes_accessfailurelog USING btree (user_agent);
CREATE INDEX axes_accessfailurelog_user_agent_ea145dda_like ON public.axes_accessfailurelog USING btree (user_agent varchar_pattern_ops);
CREATE INDEX axes_accessfailurelog_username_a8b7e8a4 ON public.axes_accessfailurelog USING btree (username);
CREATE INDEX axes_accessfailurelog_username_a8b7e8a4_like ON public.axes_accessfailurelog USING btree (username varchar_pattern_ops);
CREATE INDEX axes_accesslog_ip_address_86b417e5 ON public.axes_accesslog USING btree (ip_address);
CREATE INDEX axes_accesslog_user_agent_0e659004 ON public.axes_accesslog USING btree (user_agent);
CREATE INDEX axes_accesslog_user_agent_0e659004_like ON public.axes_accesslog USING btree (user_agent varchar_pattern_ops);
CREATE INDEX axes_accesslog_username_df93064b ON public.axes_accesslog USING btree (username);
CREATE INDEX axes_accesslog_username_df93064b_like ON public.axes_accesslog USING btree (username varchar_pattern_ops);
CREATE INDEX catalog_identifier_stock_unit_id_2b7e976a ON public.catalog_identifier USING btree (stock_unit_id);
CREATE INDEX catalog_importproblem_run_id_9468e459 ON public.catalog_importproblem USING btree (run_id);
CREATE INDEX catalog_kitcomponent_component_id_a347b03b ON public.catalog_kitcomponent USING btree (component_id);
CREATE INDEX catalog_kitcomponent_kit_id_62de07ea ON public.catalog_kitcomponent USING btree (kit_id);
CREATE INDEX catalog_price_stock_unit_id_41301a2a ON public.catalog_price USING btree (stock_unit_id);
CREATE INDEX catalog_variant_stock_unit_id_ef03ec1d ON public.catalog_variant USING btree (stock_unit_id);
CREATE INDEX channels_channel_connection_id_8b0256d1 ON public.channels_channel USING btree (connection_id);
CREATE INDEX channels_channel_parent_id_6e9cc8f5 ON public.channels_channel USING btree (parent_id);
CREATE INDEX channels_channel_price_list_id_e2be1611 ON public.channels_channel USING btree (price_list_id);
CREATE INDEX channels_channellocation_location_id_59a1821a ON public.channels_channellocation USING btree (location_id);
CREATE INDEX channels_connection_credentials_id_bff3ced8 ON public.channels_connection USING btree (credentials_id);
CREATE INDEX channels_connection_hint_token_4092ef08_like ON public.channels_connection USING btree (hint_token varchar_pattern_ops);
CREATE INDEX channels_drift_offer_id_8e503d70 ON public.channels_drift USING btree (offer_id);
CREATE INDEX channels_offer_stock_unit_id_a418bbb8 ON public.channels_offer USING btree (stock_unit_id);
CREATE INDEX channels_ringfence_channel_id_83ca2db5 ON public.channels_ringfence USING btree (channel_id);
CREATE INDEX channels_ringfence_stock_unit_id_5dbe6ed6 ON public.channels_ringfence USING btree (stock_unit_id);
CREATE INDEX channels_ruleoverride_stock_unit_id_8d90767b ON public.channels_ruleoverride USING btree (stock_unit_id);
CREATE INDEX channels_sendplan_undoes_id_de81aab4 ON public.channels_sendplan USING btree (undoes_id);
CREATE INDEX channels_sendtask_plan_id_c694d0f5 ON public.channels_sendtask USING btree (plan_id);
CREATE INDEX sent_log_time ON ONLY public.channels_sent_log USING brin (at) WITH (pages_per_range='32');
CREATE INDEX channels_sent_log_default_at_idx ON public.channels_sent_log_default USING brin (at) WITH (pages_per_range='32');
CREATE INDEX channels_ticketitem_offer_id_d4ff528a ON public.channels_ticketitem USING btree (offer_id);
CREATE INDEX command_cancel ON public.channels_command USING btree (subject_id) WHERE ((kind)::text = 'cancel'::text);
CREATE INDEX command_done ON public.channels_command USING btree (organisation_id, ended_at) WHERE ((state)::text = 'done'::text);
CREATE INDEX command_due ON public.channels_command USING btree (connection_id, not_before) WHERE ((state)::text = ANY ((ARRAY['queued'::character varying, 'sent'::character varying])::text[]));
CREATE INDEX command_failed ON public.channels_command USING btree (ended_at) WHERE ((state)::text = ANY ((ARRAY['refused'::character varying, 'dead'::character varying])::text[]));
CREATE INDEX command_subject ON public.channels_command USING btree (subject_type, subject_id);
CREATE INDEX core_apikey_token_hash_083ad3a7_like ON public.core_apikey USING btree (token_hash varchar_pattern_ops);
CREATE INDEX core_datakey_organisation_id_23a21ccd ON public.core_datakey USING btree (organisation_id);
CREATE INDEX core_fileexport_user_id_29f4af7a ON public.core_fileexport USING btree (user_id);
CREATE INDEX core_invitation_token_hash_1ec32281_like ON public.core_invitation USING btree (token_hash varchar_pattern_ops);
CREATE INDEX core_membership_organisation_id_044c8ca1 ON public.core_membership USING btree (organisation_id);
CREATE INDEX core_membership_user_id_f9b5780b ON public.core_membership USING btree (user_id);
CREATE INDEX core_noticetarget_address_id_5114c78b ON public.core_noticetarget USING btree (address_id);
CREATE INDEX core_organisation_slug_e7603fe9_like ON public.core_organisation USING btree (slug varchar_pattern_ops);
CREATE INDEX core_recoverycode_user_id_56639d92 ON public.core_recoverycode USING btree (user_id);
CREATE INDEX core_signedin_session_key_b52e9ae5_like ON public.core_signedin USING btree (session_key varchar_pattern_ops);
CREATE INDEX core_signedin_user_id_1d2dd1c9 ON public.core_signedin USING btree (user_id);
CREATE INDEX core_signinlink_token_hash_ed344115_like ON public.core_signinlink USING btree (token_hash varchar_pattern_ops);
CREATE INDEX core_signinlink_user_id_eeb50693 ON public.core_signinlink USING btree (user_id);
CREATE INDEX core_user_email_92a71487_like ON public.core_user USING btree (email varchar_pattern_ops);
CREATE INDEX core_user_groups_group_id_fe8c697f ON public.core_user_groups USING btree (group_id);
CREATE INDEX core_user_groups_user_id_70b4d9b8 ON public.core_user_groups USING btree (user_id);
CREATE INDEX core_user_user_permissions_permission_id_35ccf601 ON public.core_user_user_permissions USING btree (permission_id);
CREATE INDEX core_user_user_permissions_user_id_085123d3 ON public.core_user_user_permissions USING btree (user_id);
CREATE INDEX delay_hour ON public.orders_delay USING btree (organisation_id, hour);
CREATE INDEX django_admin_log_content_type_id_c4bce8eb ON public.django_admin_log USING btree (content_type_id);
CREATE INDEX django_admin_log_user_id_c564eba6 ON public.django_admin_log USING btree (user_id);
CREATE INDEX django_session_expire_date_a5c62663 ON public.django_session USING btree (expire_date);
CREATE INDEX django_session_session_key_c0390e0f_like ON public.django_session USING btree (session_key varchar_pattern_ops);
CREATE INDEX drift_open ON public.channels_drift USING btree (offer_id) WHERE (resolved_at IS NULL);
CREATE INDEX drift_recent ON public.channels_drift USING btree (organisation_id, at DESC);
CREATE INDEX exchange_good_article ON public.sync_exchangegood USING btree (exchange_id, article);
CREATE INDEX exposure_hour ON public.orders_exposure USING btree (organisation_id, hour);
CREATE INDEX fact_change_subject ON public.core_factchange USING btree (organisation_id, kind, subject_id, at);
CREATE INDEX file_export_open ON public.core_fileexport USING btree (touched_at) WHERE ((state)::text = ANY ((ARRAY['waiting'::character varying, 'making'::character varying])::text[]));
CREATE INDEX file_export_recent ON public.core_fileexport USING btree (organisation_id, user_id, asked_at DESC);
CREATE INDEX fulfilment_shipment_order_id_95526bb9 ON public.fulfilment_shipment USING btree (order_id);
CREATE INDEX fulfilment_shipmentline_line_id_dba0cd59 ON public.fulfilment_shipmentline USING btree (line_id);
CREATE INDEX guarded_unit_of ON public.channels_guardedunit USING btree (organisation_id);
CREATE INDEX idx_procrastinate_jobs_worker_not_null ON public.procrastinate_jobs USING btree (worker_id) WHERE ((worker_id IS NOT NULL) AND (status = 'doing'::public.procrastinate_job_status));
CREATE INDEX idx_procrastinate_workers_last_heartbeat ON public.procrastinate_workers USING btree (last_heartbeat);
CREATE UNIQUE INDEX invitation_open_once ON public.core_invitation USING btree (organisation_id, lower((email)::text)) WHERE (ended_at IS NULL);
CREATE INDEX lane_claimed ON public.channels_lane USING btree (organisation_id) WHERE (NOT ((claimed_by)::text = ''::text));
CREATE INDEX lane_due ON public.channels_lane USING btree (not_before) WHERE enabled;
CREATE INDEX movement_unit ON public.stock_movement USING btree (stock_unit_id, recorded_at);
CREATE INDEX notice_message_age ON public.core_noticemessage USING btree (made_at);
CREATE INDEX notice_message_due ON public.core_noticemessage USING btree (target_id, not_before) WHERE ((state)::text = 'waiting'::text);
CREATE INDEX notice_message_of ON public.core_noticemessage USING btree (notification_id);
CREATE UNIQUE INDEX notice_message_once ON public.core_noticemessage USING btree (target_id, notification_id, severity) WHERE (notification_id IS NOT NULL);
CREATE INDEX notice_message_recent ON public.core_noticemessage USING btree (target_id, made_at DESC);
CREATE INDEX notice_target_active ON public.core_noticetarget USING btree (organisation_id) WHERE active;
CREATE UNIQUE INDEX notification_open_once ON public.core_notification USING btree (organisation_id, key) WHERE (resolved_at IS NULL);
CREATE INDEX notification_recent ON public.core_notification USING btree (organisation_id, last_at DESC);
CREATE INDEX observed_hold_channel ON public.channels_observedhold USING btree (channel_id, seen_at DESC, id DESC);
CREATE INDEX observed_hold_due ON public.channels_observedhold USING btree (expires_at) WHERE (ended_at IS NULL);
CREATE INDEX observed_hold_latest ON public.channels_observedhold USING btree (organisation_id, seen_at DESC);
CREATE INDEX observed_hold_open ON public.channels_observedhold USING btree (offer_id) WHERE (ended_at IS NULL);
CREATE INDEX offer_external_id ON public.channels_offer USING btree (channel_id, external_id) WHERE (NOT ((external_id)::text = ''::text));
CREATE INDEX offer_left_out ON public.channels_offer USING btree (channel_id, sku) WHERE (stock_excluded OR prices_excluded);
CREATE INDEX offer_price_refused ON public.channels_offerprice USING btree (organisation_id) WHERE (refused_at IS NOT NULL);
CREATE INDEX offer_refused ON public.channels_offer USING btree (channel_id) WHERE (refused_at IS NOT NULL);
CREATE INDEX offer_todo_next ON public.channels_offertodo USING btree (channel_id, kind, danger DESC, version, offer_id);
CREATE INDEX open_event_offer ON public.channels_openevent USING btree (offer_id, at);
CREATE INDEX order_acknowledge ON public.orders_order USING btree (organisation_id, acknowledge_by) WHERE ((acknowledge_by IS NOT NULL) AND (acknowledged_at IS NULL) AND ((fulfilled_by)::text = 'seller'::text) AND ((state)::text = 'new'::text));
CREATE INDEX order_channel ON public.orders_order USING btree (channel_id, ordered_at DESC);
CREATE INDEX order_dispatch ON public.orders_order USING btree (organisation_id, dispatch_by) WHERE ((dispatch_by IS NOT NULL) AND ((fulfilled_by)::text = 'seller'::text) AND ((state)::text = ANY ((ARRAY['new'::character varying, 'acknowledged'::character varying, 'part_shipped'::character varying])::text[])));
CREATE INDEX order_line_short ON public.orders_orderline USING btree (stock_unit_id) WHERE (short > 0);
CREATE INDEX order_line_unmapped ON public.orders_orderline USING btree (organisation_id, sku) WHERE (stock_unit_id IS NULL);
CREATE INDEX order_line_wish ON public.orders_orderline USING btree (order_id) WHERE (cancel_requested > 0);
CREATE INDEX order_number ON public.orders_order USING btree (organisation_id, number);
CREATE INDEX order_recent ON public.orders_order USING btree (organisation_id, ordered_at DESC);
CREATE INDEX order_state ON public.orders_order USING btree (organisation_id, state, ordered_at DESC);
CREATE INDEX order_unfound ON public.orders_order USING btree (unfound_until) WHERE (unfound_until IS NOT NULL);
CREATE INDEX orders_amount_order_id_d524006b ON public.orders_amount USING btree (order_id);
CREATE INDEX orders_orderevent_order_id_b26297f3 ON public.orders_orderevent USING btree (order_id);
CREATE INDEX orders_orderline_offer_id_1c143a44 ON public.orders_orderline USING btree (offer_id);
CREATE INDEX orders_orderline_stock_unit_id_eba432be ON public.orders_orderline USING btree (stock_unit_id);
CREATE INDEX orders_ordersplit_into_id_65c6af2d ON public.orders_ordersplit USING btree (into_id);
CREATE INDEX orders_ordersplit_line_id_a48a369b ON public.orders_ordersplit USING btree (line_id);
CREATE INDEX raw_payload_order ON ONLY public.orders_raw_payload USING btree (order_id, at);
CREATE INDEX orders_raw_payload_default_order_id_at_idx ON public.orders_raw_payload_default USING btree (order_id, at);
CREATE INDEX orders_shortage_stock_unit_id_42e5b8a6 ON public.orders_shortage USING btree (stock_unit_id);
CREATE INDEX parked_open ON public.channels_parked USING btree (organisation_id) WHERE (resolved_at IS NULL);
CREATE INDEX personal_data_due ON public.core_personaldata USING btree (delete_after);
CREATE INDEX procrastinate_events_job_id_fkey_v1 ON public.procrastinate_events USING btree (job_id);
CREATE INDEX procrastinate_jobs_id_lock_idx_v1 ON public.procrastinate_jobs USING btree (id, lock) WHERE (status = ANY (ARRAY['todo'::public.procrastinate_job_status, 'doing'::public.procrastinate_job_status]));
CREATE UNIQUE INDEX procrastinate_jobs_lock_idx_v1 ON public.procrastinate_jobs USING btree (lock) WHERE (status = 'doing'::public.procrastinate_job_status);
CREATE INDEX procrastinate_jobs_priority_idx_v1 ON public.procrastinate_jobs USING btree (priority DESC, id) WHERE (status = 'todo'::public.procrastinate_job_status);
CREATE INDEX procrastinate_jobs_queue_name_idx_v1 ON public.procrastinate_jobs USING btree (queue_name);
CREATE UNIQUE INDEX procrastinate_jobs_queueing_lock_idx_v1 ON public.procrastinate_jobs USING btree (queueing_lock) WHERE (status = 'todo'::public.procrastinate_job_status);
CREATE INDEX procrastinate_periodic_defers_job_id_fkey_v1 ON public.procrastinate_periodic_defers USING btree (job_id);
CREATE INDEX product_title ON public.catalog_product USING btree (organisation_id, title);
CREATE INDEX remote_listing_bare ON public.channels_remotelisting USING btree (channel_id, sku, external_id) WHERE ((candidates = '[]'::jsonb) AND ((state)::text = 'new'::text));
CREATE INDEX remote_listing_certain ON public.channels_remotelisting USING btree (channel_id, sku, external_id) WHERE (((state)::text = 'new'::text) AND (NOT (candidates = '[]'::jsonb)));
CREATE INDEX remote_listing_number ON public.channels_remotelisting USING btree (channel_id, external_id) WHERE (NOT ((external_id)::text = ''::text));
CREATE INDEX remote_listing_off ON public.channels_remotelisting USING btree (channel_id, sku, external_id) WHERE (NOT ((status)::text = 'live'::text));
CREATE INDEX remote_listing_state ON public.channels_remotelisting USING btree (channel_id, state, sku, external_id);
CREATE INDEX reservation_event_unit ON ONLY public.stock_reservation_event USING btree (stock_unit_id, at);
CREATE INDEX reservation_expiry ON public.stock_reservation USING btree (expires_at) WHERE (expires_at IS NOT NULL);
CREATE INDEX reservation_unit ON public.stock_reservation USING btree (stock_unit_id, location_id);
CREATE UNIQUE INDEX rule_override_category_once ON public.channels_ruleoverride USING btree (channel_id, category) WHERE ((stock_unit_id IS NULL) AND (valid_until IS NULL));
CREATE INDEX rule_override_current ON public.channels_ruleoverride USING btree (channel_id, id) WHERE (valid_until IS NULL);
CREATE UNIQUE INDEX rule_override_unit_once ON public.channels_ruleoverride USING btree (channel_id, stock_unit_id) WHERE (((category)::text = ''::text) AND (valid_until IS NULL));
CREATE INDEX rule_override_velocity ON public.channels_ruleoverride USING btree (channel_id) WHERE ((valid_until IS NULL) AND (velocity_share > (0)::numeric));
CREATE INDEX rule_version_channel ON public.channels_ruleversion USING btree (channel_id, valid_from);
CREATE INDEX run_age ON public.channels_run USING btree (started_at);
CREATE INDEX run_recent ON public.channels_run USING btree (lane_id, started_at DESC);
CREATE INDEX send_plan_latest ON public.channels_sendplan USING btree (organisation_id, id DESC);
CREATE UNIQUE INDEX send_plan_open_once ON public.channels_sendplan USING btree (organisation_id) WHERE ((state)::text = 'open'::text);
CREATE INDEX send_task_latest ON public.channels_sendtask USING btree (organisation_id, id DESC);
CREATE INDEX send_task_open ON public.channels_sendtask USING btree (organisation_id) WHERE (ended_at IS NULL);
CREATE INDEX shipment_tracking ON public.fulfilment_shipment USING btree (organisation_id, tracking_number);
CREATE INDEX shortage_of_window ON public.orders_shortage USING btree (window_id) WHERE (window_id IS NOT NULL);
CREATE INDEX shortage_open ON public.orders_shortage USING btree (organisation_id) WHERE (resolved_at IS NULL);
CREATE INDEX shortage_recent ON public.orders_shortage USING btree (organisation_id, detected_at DESC);
CREATE INDEX shortage_window ON public.orders_shortage USING btree (organisation_id) WHERE (cut_accepted_at IS NULL);
CREATE UNIQUE INDEX snooze_open_once ON public.core_snooze USING btree (organisation_id, key) WHERE (ended_at IS NULL);
CREATE INDEX stock_incoming_location_id_aacb6cea ON public.stock_incoming USING btree (location_id);
CREATE INDEX stock_incoming_stock_unit_id_ca6fd60f ON public.stock_incoming USING btree (stock_unit_id);
CREATE INDEX stock_manualhold_location_id_0bcb5198 ON public.stock_manualhold USING btree (location_id);
CREATE INDEX stock_reservation_event_default_stock_unit_id_at_idx ON public.stock_reservation_event_default USING btree (stock_unit_id, at);
CREATE UNIQUE INDEX stock_source_one_continuous ON public.stock_stocksource USING btree (location_id) WHERE (enabled AND (NOT ((kind)::text = ANY ((ARRAY['manual'::character varying, 'upload'::character varying])::text[]))));
CREATE UNIQUE INDEX stock_source_token_once ON public.stock_stocksource USING btree (token_hash) WHERE (NOT ((token_hash)::text = ''::text));
CREATE INDEX stock_sourceproblem_run_id_da4f8084 ON public.stock_sourceproblem USING btree (run_id);
CREATE INDEX stock_sourcerun_source_id_9a3c1adb ON public.stock_sourcerun USING btree (source_id);
CREATE INDEX stock_stockcount_location_id_d4c7b0bd ON public.stock_stockcount USING btree (location_id);
CREATE INDEX stock_stocksource_credentials_id_116e17c6 ON public.stock_stocksource USING btree (credentials_id);
CREATE INDEX stock_stocksource_location_id_2b845e2c ON public.stock_stocksource USING btree (location_id);
CREATE INDEX stock_unit_title ON public.catalog_stockunit USING btree (organisation_id, title);
CREATE INDEX sync_exchange_token_c5772af0_like ON public.sync_exchange USING btree (token varchar_pattern_ops);
CREATE INDEX sync_exchangefile_session_id_8cee866d ON public.sync_exchangefile USING btree (session_id);
CREATE INDEX sync_exchangeorder_order_id_e09f45de ON public.sync_exchangeorder USING btree (order_id);
CREATE INDEX sync_exchangeorder_session_id_37d66ee6 ON public.sync_exchangeorder USING btree (session_id);
CREATE INDEX sync_exchangeparked_exchange_id_e634a51c ON public.sync_exchangeparked USING btree (exchange_id);
CREATE INDEX sync_exchangesession_exchange_id_765bba3c ON public.sync_exchangesession USING btree (exchange_id);
CREATE INDEX sync_exchangesession_key_hash_92d9462a_like ON public.sync_exchangesession USING btree (key_hash varchar_pattern_ops);
CREATE INDEX ticket_open ON public.channels_ticket USING btree (connection_id, next_look_at) WHERE (closed_at IS NULL);
CREATE INDEX unit_sale_counts ON public.channels_unitsale USING btree (stock_unit_id) WHERE (passed_at IS NULL);
CREATE INDEX unit_sale_due ON public.channels_unitsale USING btree (sold_at) WHERE (passed_at IS NULL);
CREATE INDEX unit_sale_history ON public.channels_unitsale USING btree (stock_unit_id, recorded_at);
CREATE UNIQUE INDEX user_email_once ON public.core_user USING btree (lower((email)::text));
CREATE INDEX wait_until ON public.channels_wait USING btree (organisation_id, until);
CREATE INDEX write_window_age ON public.channels_writewindow USING btree (sent_at);
CREATE INDEX write_window_offer ON public.channels_writewindow USING btree (offer_id, sent_at DESC);
ALTER INDEX public.sent_log_time ATTACH PARTITION public.channels_sent_log_default_at_idx;
ALTER INDEX public.sent_log_offer ATTACH PARTITION public.channels_sent_log_default_pkey;
ALTER INDEX public.raw_payload_order ATTACH PARTITION public.orders_raw_payload_default_order_id_at_idx;
ALTER INDEX public.orders_raw_payload_pkey ATTACH PARTITION public.orders_raw_payload_default_pkey;
ALTER INDEX public.stock_reservation_event_pkey ATTACH PARTITION public.stock_reservation_event_default_pkey;
ALTER INDEX public.reservation_event_unit ATTACH PARTITION public.stock_reservation_event_default_stock_unit_id_at_idx;
CREATE TRIGGER audit_append_only BEFORE DELETE OR UPDATE ON public.core_auditentry FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER fact_change_append_only BEFORE DELETE OR UPDATE ON public.core_factchange FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER movement_append_only BEFORE DELETE OR UPDATE ON public.stock_movement FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER open_event_append_only BEFORE DELETE OR UPDATE ON public.channels_openevent FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER procrastinate_jobs_notify_queue_job_aborted_v1 AFTER UPDATE OF abort_requested ON public.procrastinate_jobs FOR EACH ROW WHEN (((old.abort_requested = false) AND (new.abort_requested = true) AND (new.status = 'doing'::public.procrastinate_job_status))) EXECUTE FUNCTION public.procrastinate_notify_queue_abort_job_v1();
CREATE TRIGGER procrastinate_jobs_notify_queue_job_inserted_v1 AFTER INSERT ON public.procrastinate_jobs FOR EACH ROW WHEN ((new.status = 'todo'::public.procrastinate_job_status)) EXECUTE FUNCTION public.procrastinate_notify_queue_job_inserted_v1();
CREATE TRIGGER procrastinate_trigger_abort_requested_events_v1 AFTER UPDATE OF abort_requested ON public.procrastinate_jobs FOR EACH ROW WHEN ((new.abort_requested = true)) EXECUTE FUNCTION public.procrastinate_trigger_abort_requested_events_procedure_v1();
CREATE TRIGGER procrastinate_trigger_delete_jobs_v1 BEFORE DELETE ON public.procrastinate_jobs FOR EACH ROW EXECUTE FUNCTION public.procrastinate_unlink_periodic_defers_v1();
CREATE TRIGGER procrastinate_trigger_scheduled_events_v1 AFTER INSERT OR UPDATE ON public.procrastinate_jobs FOR EACH ROW WHEN (((new.scheduled_at IS NOT NULL) AND (new.status = 'todo'::public.procrastinate_job_status))) EXECUTE FUNCTION public.procrastinate_trigger_function_scheduled_events_v1();
CREATE TRIGGER procrastinate_trigger_status_events_insert_v1 AFTER INSERT ON public.procrastinate_jobs FOR EACH ROW WHEN ((new.status = 'todo'::public.procrastinate_job_status)) EXECUTE FUNCTION public.procrastinate_trigger_function_status_events_insert_v1();
CREATE TRIGGER procrastinate_trigger_status_events_update_v1 AFTER UPDATE OF status ON public.procrastinate_jobs FOR EACH ROW EXECUTE FUNCTION public.procrastinate_trigger_function_status_events_update_v1();
CREATE TRIGGER reservation_event_append_only BEFORE UPDATE ON public.stock_reservation_event FOR EACH ROW EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER sent_log_append_only BEFORE UPDATE ON public.channels_sent_log FOR EACH ROW EXECUTE FUNCTION public.refuse_change();
ALTER TABLE ONLY public.auth_group_permissions
    ADD CONSTRAINT auth_group_permissio_permission_id_84c5c92e_fk_auth_perm FOREIGN KEY (permission_id) REFERENCES public.auth_permission(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.auth_group_permissions
    ADD CONSTRAINT auth_group_permissions_group_id_b120cbf9_fk_auth_group_id FOREIGN KEY (group_id) REFERENCES public.auth_group(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.auth_permission
    ADD CONSTRAINT auth_permission_content_type_id_2f476e4b_fk_django_co FOREIGN KEY (content_type_id) REFERENCES public.django_content_type(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.axes_accessattemptexpiration
    ADD CONSTRAINT axes_accessattemptex_access_attempt_id_6b73a47a_fk_axes_acce FOREIGN KEY (access_attempt_id) REFERENCES public.axes_accessattempt(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.catalog_identifier
    ADD CONSTRAINT catalog_identifier_stock_unit_id_2b7e976a_fk_catalog_s FOREIGN KEY (stock_unit_id) REFERENCES public.catalog_stockunit(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.catalog_importproblem
    ADD CONSTRAINT catalog_importproble_organisation_id_fb564083_fk_core_orga FOREIGN KEY (organisation_id) REFERENCES public.core_organisation(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.catalog_importproblem
    ADD CONSTRAINT catalog_importproblem_run_id_9468e459_fk_catalog_importrun_id FOREIGN KEY (run_id) REFERENCES public.catalog_importrun(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.catalog_importrun
    ADD CONSTRAINT catalog_importrun_organisation_id_ce95c5b6_fk_core_orga FOREIGN KEY (organisation_id) REFERENCES public.core_organisation(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.catalog_kitcomponent
    ADD CONSTRAINT catalog_kitcomponent_component_id_a347b03b_fk_catalog_s FOREIGN KEY (component_id) REFERENCES public.catalog_stockunit(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.catalog_kitcomponent
    ADD CONSTRAINT catalog_kitcomponent_kit_id_62de07ea_fk_catalog_stockunit_id FOREIGN KEY (kit_id) REFERENCES public.catalog_stockunit(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.catalog_price
    ADD CONSTRAINT catalog_price_price_list_id_86a5c9b6_fk_catalog_pricelist_id FOREIGN KEY (price_list_id) REFERENCES public.catalog_pricelist(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.catalog_price
    ADD CONSTRAINT catalog_price_stock_unit_id_41301a2a_fk_catalog_stockunit_id FOREIGN KEY (stock_unit_id) REFERENCES public.catalog_stockunit(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.catalog_pricelist
    ADD CONSTRAINT catalog_pricelist_organisation_id_c6b0d064_fk_core_orga FOREIGN KEY (organisation_id) REFERENCES public.core_organisation(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.catalog_product
    ADD CONSTRAINT catalog_product_organisation_id_dd520822_fk_core_orga FOREIGN KEY (organisation_id) REFERENCES public.core_organisation(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.catalog_stockunit
    ADD CONSTRAINT catalog_stockunit_organisation_id_89e058b9_fk_core_orga FOREIGN KEY (organisation_id) REFERENCES public.core_organisation(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.catalog_variant
    ADD CONSTRAINT catalog_variant_product_id_8a21d193_fk_catalog_product_id FOREIGN KEY (product_id) REFERENCES public.catalog_product(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.catalog_variant
    ADD CONSTRAINT catalog_variant_stock_unit_id_ef03ec1d_fk_catalog_stockunit_id FOREIGN KEY (stock_unit_id) REFERENCES public.catalog_stockunit(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.channels_channel
    ADD CONSTRAINT channels_channel_connection_id_8b0256d1_fk_channels_ FOREIGN KEY (connection_id) REFERENCES public.channels_connection(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.channels_channel
    ADD CONSTRAINT channels_channel_organisation_id_711800a8_fk_core_orga FOREIGN KEY (organisation_id) REFERENCES public.core_organisation(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.channels_channel
    ADD CONSTRAINT channels_channel_parent_id_6e9cc8f5_fk_channels_channel_id FOREIGN KEY (parent_id) REFERENCES public.channels_channel(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.channels_channel
    ADD CONSTRAINT channels_channel_price_list_id_e2be1611_fk_catalog_pricelist_id FOREIGN KEY (price_list_id) REFERENCES public.catalog_pricelist(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.channels_channellocation
    ADD CONSTRAINT channels_channelloca_channel_id_a5d3931d_fk_channels_ FOREIGN KEY (channel_id) REFERENCES public.channels_channel(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.channels_channellocation
    ADD CONSTRAINT channels_channelloca_location_id_59a1821a_fk_stock_loc FOREIGN KEY (location_id) REFERENCES public.stock_location(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.channels_channellocation
    ADD CONSTRAINT channels_channelloca_organisation_id_bfc67a9d_fk_core_orga FOREIGN KEY (organisation_id) REFERENCES public.core_organisation(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.channels_connection
    ADD CONSTRAINT channels_connection_credentials_id_bff3ced8_fk_core_secret_id FOREIGN KEY (credentials_id) REFERENCES public.core_secret(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.channels_connection
    ADD CONSTRAINT channels_connection_organisation_id_ed9f629c_fk_core_orga FOREIGN KEY (organisation_id) REFERENCES public.core_organisation(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.channels_drift
    ADD CONSTRAINT channels_drift_offer_id_8e503d70_fk_channels_offer_id FOREIGN KEY (offer_id) REFERENCES public.channels_offer(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.channels_drift
    ADD CONSTRAINT channels_drift_organisation_id_6b9cfdaa_fk_core_organisation_id FOREIGN KEY (organisation_id) REFERENCES public.core_organisation(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.channels_furtherfield
    ADD CONSTRAINT channels_furtherfiel_organisation_id_867752b2_fk_core_orga FOREIGN KEY (organisation_id) REFERENCES public.core_organisation(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.channels_guardedunit
    ADD CONSTRAINT channels_guardedunit_organisation_id_b81d9b9b_fk_core_orga FOREIGN KEY (organisation_id) REFERENCES public.core_organisation(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.channels_guardedunit
    ADD CONSTRAINT channels_guardedunit_stock_unit_id_9a9528bb_fk_catalog_s FOREIGN KEY (stock_unit_id) REFERENCES public.catalog_stockunit(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.channels_lane
    ADD CONSTRAINT channels_lane_organisation_id_612035a2_fk_core_organisation_id FOREIGN KEY (organisation_id) REFERENCES public.core_organisation(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.channels_lanestep
    ADD CONSTRAINT channels_lanestep_lane_id_c13f743f_fk_channels_lane_id FOREIGN KEY (lane_id) REFERENCES public.channels_lane(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.channels_lanestep
    ADD CONSTRAINT channels_lanestep_organisation_id_478eb2ea_fk_core_orga FOREIGN KEY (organisation_id) REFERENCES public.core_organisation(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.channels_observedhold
    ADD CONSTRAINT channels_observedhol_organisation_id_14357465_fk_core_orga FOREIGN KEY (organisation_id) REFERENCES public.core_organisation(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.channels_observedhold
    ADD CONSTRAINT channels_observedhold_offer_id_915aeb14_fk_channels_offer_id FOREIGN KEY (offer_id) REFERENCES public.channels_offer(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.channels_offer
    ADD CONSTRAINT channels_offer_channel_id_b67eff29_fk_channels_channel_id FOREIGN KEY (channel_id) REFERENCES public.channels_channel(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.channels_offer
    ADD CONSTRAINT channels_offer_organisation_id_82ffda03_fk_core_organisation_id FOREIGN KEY (organisation_id) REFERENCES public.core_organisation(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.channels_offer
    ADD CONSTRAINT channels_offer_stock_unit_id_a418bbb8_fk_catalog_stockunit_id FOREIGN KEY (stock_unit_id) REFERENCES public.catalog_stockunit(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.channels_offerprice
    ADD CONSTRAINT channels_offerprice_offer_id_dfd61aa5_fk_channels_offer_id FOREIGN KEY (offer_id) REFERENCES public.channels_offer(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.channels_offerprice
    ADD CONSTRAINT channels_offerprice_organisation_id_6c7c3b03_fk_core_orga FOREIGN KEY (organisation_id) REFERENCES public.core_organisation(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.channels_parked
    ADD CONSTRAINT channels_parked_connection_id_8d15a87e_fk_channels_ FOREIGN KEY (connection_id) REFERENCES public.channels_connection(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.channels_parked
    ADD CONSTRAINT channels_parked_organisation_id_44dfff89_fk_core_orga FOREIGN KEY (organisation_id) REFERENCES public.core_organisation(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.channels_ratebudget
    ADD CONSTRAINT channels_ratebudget_connection_id_379efa6c_fk_channels_ FOREIGN KEY (connection_id) REFERENCES public.channels_connection(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.channels_remotelisting
    ADD CONSTRAINT channels_remotelisti_channel_id_b12f7082_fk_channels_ FOREIGN KEY (channel_id) REFERENCES public.channels_channel(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.channels_remotelisting
    ADD CONSTRAINT channels_remotelisti_organisation_id_cbe0650b_fk_core_orga FOREIGN KEY (organisation_id) REFERENCES public.core_organisation(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.channels_remotelisting
    ADD CONSTRAINT channels_remotelisting_offer_id_536455c8_fk_channels_offer_id FOREIGN KEY (offer_id) REFERENCES public.channels_offer(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.channels_ringfence
    ADD CONSTRAINT channels_ringfence_channel_id_83ca2db5_fk_channels_channel_id FOREIGN KEY (channel_id) REFERENCES public.channels_channel(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.channels_ringfence
    ADD CONSTRAINT channels_ringfence_organisation_id_fa07d94e_fk_core_orga FOREIGN KEY (organisation_id) REFERENCES public.core_organisation(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.channels_ringfence
    ADD CONSTRAINT channels_ringfence_stock_unit_id_5dbe6ed6_fk_catalog_s FOREIGN KEY (stock_unit_id) REFERENCES public.catalog_stockunit(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.channels_ruleoverride
    ADD CONSTRAINT channels_ruleoverrid_channel_id_d1f1ca50_fk_channels_ FOREIGN KEY (channel_id) REFERENCES public.channels_channel(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.channels_ruleoverride
    ADD CONSTRAINT channels_ruleoverrid_organisation_id_80567f2e_fk_core_orga FOREIGN KEY (organisation_id) REFERENCES public.core_organisation(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.channels_ruleoverride
    ADD CONSTRAINT channels_ruleoverrid_stock_unit_id_8d90767b_fk_catalog_s FOREIGN KEY (stock_unit_id) REFERENCES public.catalog_stockunit(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.channels_ruleversion
    ADD CONSTRAINT channels_ruleversion_channel_id_791c3b28_fk_channels_channel_id FOREIGN KEY (channel_id) REFERENCES public.channels_channel(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.channels_ruleversion
    ADD CONSTRAINT channels_ruleversion_organisation_id_288d3258_fk_core_orga FOREIGN KEY (organisation_id) REFERENCES public.core_organisation(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.channels_run
    ADD CONSTRAINT channels_run_lane_id_c1df9003_fk_channels_lane_id FOREIGN KEY (lane_id) REFERENCES public.channels_lane(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.channels_run
    ADD CONSTRAINT channels_run_organisation_id_30bd533c_fk_core_organisation_id FOREIGN KEY (organisation_id) REFERENCES public.core_organisation(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.channels_sendingcolumns
    ADD CONSTRAINT channels_sendingcolu_organisation_id_16b47ebd_fk_core_orga FOREIGN KEY (organisation_id) REFERENCES public.core_organisation(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.channels_sendingcolumns
    ADD CONSTRAINT channels_sendingcolumns_user_id_51f8307f_fk_core_user_id FOREIGN KEY (user_id) REFERENCES public.core_user(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.channels_sendplan
    ADD CONSTRAINT channels_sendplan_organisation_id_95568882_fk_core_orga FOREIGN KEY (organisation_id) REFERENCES public.core_organisation(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.channels_sendplan
    ADD CONSTRAINT channels_sendplan_undoes_id_de81aab4_fk_channels_sendplan_id FOREIGN KEY (undoes_id) REFERENCES public.channels_sendplan(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.channels_sendplanpart
    ADD CONSTRAINT channels_sendplanpar_channel_id_bde1cfe0_fk_channels_ FOREIGN KEY (channel_id) REFERENCES public.channels_channel(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.channels_sendplanpart
    ADD CONSTRAINT channels_sendplanpart_plan_id_4a37a908_fk_channels_sendplan_id FOREIGN KEY (plan_id) REFERENCES public.channels_sendplan(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.channels_sendtask
    ADD CONSTRAINT channels_sendtask_organisation_id_ee70c327_fk_core_orga FOREIGN KEY (organisation_id) REFERENCES public.core_organisation(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.channels_sendtask
    ADD CONSTRAINT channels_sendtask_plan_id_c694d0f5_fk_channels_sendplan_id FOREIGN KEY (plan_id) REFERENCES public.channels_sendplan(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.channels_sendtaskpart
    ADD CONSTRAINT channels_sendtaskpar_channel_id_444eb305_fk_channels_ FOREIGN KEY (channel_id) REFERENCES public.channels_channel(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.channels_sendtaskpart
    ADD CONSTRAINT channels_sendtaskpart_task_id_6035a9b0_fk_channels_sendtask_id FOREIGN KEY (task_id) REFERENCES public.channels_sendtask(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.channels_ticket
    ADD CONSTRAINT channels_ticket_connection_id_2ab013cb_fk_channels_ FOREIGN KEY (connection_id) REFERENCES public.channels_connection(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.channels_ticket
    ADD CONSTRAINT channels_ticket_organisation_id_1eab1bf3_fk_core_orga FOREIGN KEY (organisation_id) REFERENCES public.core_organisation(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.channels_ticketitem
    ADD CONSTRAINT channels_ticketitem_offer_id_d4ff528a_fk_channels_offer_id FOREIGN KEY (offer_id) REFERENCES public.channels_offer(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.channels_ticketitem
    ADD CONSTRAINT channels_ticketitem_ticket_id_be0eb7b6_fk_channels_ticket_id FOREIGN KEY (ticket_id) REFERENCES public.channels_ticket(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.channels_writewindow
    ADD CONSTRAINT channels_writewindow_offer_id_75710c79_fk_channels_offer_id FOREIGN KEY (offer_id) REFERENCES public.channels_offer(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.channels_writewindow
    ADD CONSTRAINT channels_writewindow_organisation_id_605fc7ab_fk_core_orga FOREIGN KEY (organisation_id) REFERENCES public.core_organisation(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.core_apikey
    ADD CONSTRAINT core_apikey_organisation_id_78cdaced_fk_core_organisation_id FOREIGN KEY (organisation_id) REFERENCES public.core_organisation(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.core_auditentry
    ADD CONSTRAINT core_auditentry_organisation_id_06df537d_fk_core_orga FOREIGN KEY (organisation_id) REFERENCES public.core_organisation(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.core_datakey
    ADD CONSTRAINT core_datakey_organisation_id_23a21ccd_fk_core_organisation_id FOREIGN KEY (organisation_id) REFERENCES public.core_organisation(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.core_fileexport
    ADD CONSTRAINT core_fileexport_organisation_id_1942cfab_fk_core_orga FOREIGN KEY (organisation_id) REFERENCES public.core_organisation(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.core_fileexport
    ADD CONSTRAINT core_fileexport_user_id_29f4af7a_fk_core_user_id FOREIGN KEY (user_id) REFERENCES public.core_user(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.core_fileexportpart
    ADD CONSTRAINT core_fileexportpart_export_id_90c8bb5a_fk_core_fileexport_id FOREIGN KEY (export_id) REFERENCES public.core_fileexport(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.core_invitation
    ADD CONSTRAINT core_invitation_organisation_id_62014a4d_fk_core_orga FOREIGN KEY (organisation_id) REFERENCES public.core_organisation(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.core_membership
    ADD CONSTRAINT core_membership_organisation_id_044c8ca1_fk_core_orga FOREIGN KEY (organisation_id) REFERENCES public.core_organisation(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.core_membership
    ADD CONSTRAINT core_membership_user_id_f9b5780b_fk_core_user_id FOREIGN KEY (user_id) REFERENCES public.core_user(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.core_noticemessage
    ADD CONSTRAINT core_noticemessage_notification_id_db8f3cb8_fk_core_noti FOREIGN KEY (notification_id) REFERENCES public.core_notification(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.core_noticemessage
    ADD CONSTRAINT core_noticemessage_organisation_id_ba65f20c_fk_core_orga FOREIGN KEY (organisation_id) REFERENCES public.core_organisation(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.core_noticemessage
    ADD CONSTRAINT core_noticemessage_target_id_687bd581_fk_core_noticetarget_id FOREIGN KEY (target_id) REFERENCES public.core_noticetarget(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.core_noticetarget
    ADD CONSTRAINT core_noticetarget_address_id_5114c78b_fk_core_secret_id FOREIGN KEY (address_id) REFERENCES public.core_secret(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.core_noticetarget
    ADD CONSTRAINT core_noticetarget_organisation_id_f9c80acd_fk_core_orga FOREIGN KEY (organisation_id) REFERENCES public.core_organisation(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.core_notification
    ADD CONSTRAINT core_notification_organisation_id_f0fcc2fa_fk_core_orga FOREIGN KEY (organisation_id) REFERENCES public.core_organisation(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.core_recoverycode
    ADD CONSTRAINT core_recoverycode_user_id_56639d92_fk_core_user_id FOREIGN KEY (user_id) REFERENCES public.core_user(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.core_secondfactor
    ADD CONSTRAINT core_secondfactor_user_id_0bd679f3_fk_core_user_id FOREIGN KEY (user_id) REFERENCES public.core_user(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.core_secret
    ADD CONSTRAINT core_secret_organisation_id_9fdf6e68_fk_core_organisation_id FOREIGN KEY (organisation_id) REFERENCES public.core_organisation(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.core_signedin
    ADD CONSTRAINT core_signedin_user_id_1d2dd1c9_fk_core_user_id FOREIGN KEY (user_id) REFERENCES public.core_user(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.core_signinlink
    ADD CONSTRAINT core_signinlink_user_id_eeb50693_fk_core_user_id FOREIGN KEY (user_id) REFERENCES public.core_user(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.core_snooze
    ADD CONSTRAINT core_snooze_organisation_id_005625f1_fk_core_organisation_id FOREIGN KEY (organisation_id) REFERENCES public.core_organisation(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.core_user_groups
    ADD CONSTRAINT core_user_groups_group_id_fe8c697f_fk_auth_group_id FOREIGN KEY (group_id) REFERENCES public.auth_group(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.core_user_groups
    ADD CONSTRAINT core_user_groups_user_id_70b4d9b8_fk_core_user_id FOREIGN KEY (user_id) REFERENCES public.core_user(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.core_user_user_permissions
    ADD CONSTRAINT core_user_user_permi_permission_id_35ccf601_fk_auth_perm FOREIGN KEY (permission_id) REFERENCES public.auth_permission(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.core_user_user_permissions
    ADD CONSTRAINT core_user_user_permissions_user_id_085123d3_fk_core_user_id FOREIGN KEY (user_id) REFERENCES public.core_user(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.django_admin_log
    ADD CONSTRAINT django_admin_log_content_type_id_c4bce8eb_fk_django_co FOREIGN KEY (content_type_id) REFERENCES public.django_content_type(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.django_admin_log
    ADD CONSTRAINT django_admin_log_user_id_c564eba6_fk_core_user_id FOREIGN KEY (user_id) REFERENCES public.core_user(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.fulfilment_shipment
    ADD CONSTRAINT fulfilment_shipment_order_id_95526bb9_fk_orders_order_id FOREIGN KEY (order_id) REFERENCES public.orders_order(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.fulfilment_shipment
    ADD CONSTRAINT fulfilment_shipment_organisation_id_759f583d_fk_core_orga FOREIGN KEY (organisation_id) REFERENCES public.core_organisation(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.fulfilment_shipmentline
    ADD CONSTRAINT fulfilment_shipmentl_organisation_id_cd1ad8de_fk_core_orga FOREIGN KEY (organisation_id) REFERENCES public.core_organisation(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.fulfilment_shipmentline
    ADD CONSTRAINT fulfilment_shipmentl_shipment_id_4058ca95_fk_fulfilmen FOREIGN KEY (shipment_id) REFERENCES public.fulfilment_shipment(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.fulfilment_shipmentline
    ADD CONSTRAINT fulfilment_shipmentline_line_id_dba0cd59_fk_orders_orderline_id FOREIGN KEY (line_id) REFERENCES public.orders_orderline(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.catalog_kitcomponent
    ADD CONSTRAINT kit_component_is_single FOREIGN KEY (component_id, component_kind) REFERENCES public.catalog_stockunit(id, kind) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.catalog_kitcomponent
    ADD CONSTRAINT kit_component_of_kit FOREIGN KEY (kit_id, kit_kind) REFERENCES public.catalog_stockunit(id, kind) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.orders_delay
    ADD CONSTRAINT orders_delay_channel_id_9437afb2_fk_channels_channel_id FOREIGN KEY (channel_id) REFERENCES public.channels_channel(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.orders_delay
    ADD CONSTRAINT orders_delay_organisation_id_31ebb418_fk_core_organisation_id FOREIGN KEY (organisation_id) REFERENCES public.core_organisation(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.orders_exposure
    ADD CONSTRAINT orders_exposure_channel_id_7c3d853b_fk_channels_channel_id FOREIGN KEY (channel_id) REFERENCES public.channels_channel(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.orders_exposure
    ADD CONSTRAINT orders_exposure_organisation_id_1fcffede_fk_core_orga FOREIGN KEY (organisation_id) REFERENCES public.core_organisation(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.orders_order
    ADD CONSTRAINT orders_order_channel_id_a76729a3_fk_channels_channel_id FOREIGN KEY (channel_id) REFERENCES public.channels_channel(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.orders_orderdesk
    ADD CONSTRAINT orders_orderdesk_organisation_id_670a2572_fk_core_orga FOREIGN KEY (organisation_id) REFERENCES public.core_organisation(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.orders_orderdesk
    ADD CONSTRAINT orders_orderdesk_user_id_2b437f42_fk_core_user_id FOREIGN KEY (user_id) REFERENCES public.core_user(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.orders_orderline
    ADD CONSTRAINT orders_orderline_offer_id_1c143a44_fk_channels_offer_id FOREIGN KEY (offer_id) REFERENCES public.channels_offer(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.orders_orderline
    ADD CONSTRAINT orders_orderline_order_id_17f8f3ef_fk_orders_order_id FOREIGN KEY (order_id) REFERENCES public.orders_order(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.orders_orderline
    ADD CONSTRAINT orders_orderline_stock_unit_id_eba432be_fk_catalog_stockunit_id FOREIGN KEY (stock_unit_id) REFERENCES public.catalog_stockunit(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.orders_ordernote
    ADD CONSTRAINT orders_ordernote_order_id_debc8134_fk_orders_order_id FOREIGN KEY (order_id) REFERENCES public.orders_order(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.orders_ordersplit
    ADD CONSTRAINT orders_ordersplit_into_id_65c6af2d_fk_orders_orderline_id FOREIGN KEY (into_id) REFERENCES public.orders_orderline(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.orders_ordersplit
    ADD CONSTRAINT orders_ordersplit_line_id_a48a369b_fk_orders_orderline_id FOREIGN KEY (line_id) REFERENCES public.orders_orderline(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.orders_orderview
    ADD CONSTRAINT orders_orderview_organisation_id_e315d00a_fk_core_orga FOREIGN KEY (organisation_id) REFERENCES public.core_organisation(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.orders_orderview
    ADD CONSTRAINT orders_orderview_user_id_3132e323_fk_core_user_id FOREIGN KEY (user_id) REFERENCES public.core_user(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.orders_promise
    ADD CONSTRAINT orders_promise_organisation_id_d8fac08a_fk_core_organisation_id FOREIGN KEY (organisation_id) REFERENCES public.core_organisation(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.orders_shortage
    ADD CONSTRAINT orders_shortage_line_id_f3590b25_fk_orders_orderline_id FOREIGN KEY (line_id) REFERENCES public.orders_orderline(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.orders_shortage
    ADD CONSTRAINT orders_shortage_organisation_id_71dde774_fk_core_orga FOREIGN KEY (organisation_id) REFERENCES public.core_organisation(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.orders_shortage
    ADD CONSTRAINT orders_shortage_stock_unit_id_42e5b8a6_fk_catalog_stockunit_id FOREIGN KEY (stock_unit_id) REFERENCES public.catalog_stockunit(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.orders_shortage
    ADD CONSTRAINT orders_shortage_window_id_77842019_fk_channels_writewindow_id FOREIGN KEY (window_id) REFERENCES public.channels_writewindow(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.procrastinate_events
    ADD CONSTRAINT procrastinate_events_job_id_fkey FOREIGN KEY (job_id) REFERENCES public.procrastinate_jobs(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.procrastinate_jobs
    ADD CONSTRAINT procrastinate_jobs_worker_id_fkey FOREIGN KEY (worker_id) REFERENCES public.procrastinate_workers(id) ON DELETE SET NULL;
ALTER TABLE ONLY public.procrastinate_periodic_defers
    ADD CONSTRAINT procrastinate_periodic_defers_job_id_fkey FOREIGN KEY (job_id) REFERENCES public.procrastinate_jobs(id);
ALTER TABLE ONLY public.stock_reservation
    ADD CONSTRAINT reservation_level FOREIGN KEY (stock_unit_id, location_id) REFERENCES public.stock_level(stock_unit_id, location_id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.stock_incoming
    ADD CONSTRAINT stock_incoming_location_id_aacb6cea_fk_stock_location_id FOREIGN KEY (location_id) REFERENCES public.stock_location(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.stock_incoming
    ADD CONSTRAINT stock_incoming_organisation_id_5ee9d7b7_fk_core_organisation_id FOREIGN KEY (organisation_id) REFERENCES public.core_organisation(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.stock_incoming
    ADD CONSTRAINT stock_incoming_stock_unit_id_ca6fd60f_fk_catalog_stockunit_id FOREIGN KEY (stock_unit_id) REFERENCES public.catalog_stockunit(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.stock_level
    ADD CONSTRAINT stock_level_location_id_c8fe0933_fk_stock_location_id FOREIGN KEY (location_id) REFERENCES public.stock_location(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.stock_level
    ADD CONSTRAINT stock_level_stock_unit_id_f0577208_fk_catalog_stockunit_id FOREIGN KEY (stock_unit_id) REFERENCES public.catalog_stockunit(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.stock_location
    ADD CONSTRAINT stock_location_organisation_id_318f8b18_fk_core_organisation_id FOREIGN KEY (organisation_id) REFERENCES public.core_organisation(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.stock_manualhold
    ADD CONSTRAINT stock_manualhold_location_id_0bcb5198_fk_stock_location_id FOREIGN KEY (location_id) REFERENCES public.stock_location(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.stock_manualhold
    ADD CONSTRAINT stock_manualhold_organisation_id_6d5aeeae_fk_core_orga FOREIGN KEY (organisation_id) REFERENCES public.core_organisation(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.stock_manualhold
    ADD CONSTRAINT stock_manualhold_stock_unit_id_6e581c58_fk_catalog_stockunit_id FOREIGN KEY (stock_unit_id) REFERENCES public.catalog_stockunit(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.stock_movement
    ADD CONSTRAINT stock_movement_from_location_id_fa3b3d7b_fk_stock_location_id FOREIGN KEY (from_location_id) REFERENCES public.stock_location(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.stock_movement
    ADD CONSTRAINT stock_movement_stock_unit_id_f35b4b3c_fk_catalog_stockunit_id FOREIGN KEY (stock_unit_id) REFERENCES public.catalog_stockunit(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.stock_movement
    ADD CONSTRAINT stock_movement_to_location_id_47575610_fk_stock_location_id FOREIGN KEY (to_location_id) REFERENCES public.stock_location(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.stock_sourceproblem
    ADD CONSTRAINT stock_sourceproblem_organisation_id_2164f0e2_fk_core_orga FOREIGN KEY (organisation_id) REFERENCES public.core_organisation(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.stock_sourceproblem
    ADD CONSTRAINT stock_sourceproblem_run_id_da4f8084_fk_stock_sourcerun_id FOREIGN KEY (run_id) REFERENCES public.stock_sourcerun(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.stock_sourcerun
    ADD CONSTRAINT stock_sourcerun_organisation_id_2f7f16d3_fk_core_orga FOREIGN KEY (organisation_id) REFERENCES public.core_organisation(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.stock_sourcerun
    ADD CONSTRAINT stock_sourcerun_source_id_9a3c1adb_fk_stock_stocksource_id FOREIGN KEY (source_id) REFERENCES public.stock_stocksource(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.stock_stockcount
    ADD CONSTRAINT stock_stockcount_location_id_d4c7b0bd_fk_stock_location_id FOREIGN KEY (location_id) REFERENCES public.stock_location(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.stock_stockcount
    ADD CONSTRAINT stock_stockcount_organisation_id_8a247562_fk_core_orga FOREIGN KEY (organisation_id) REFERENCES public.core_organisation(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.stock_stocksource
    ADD CONSTRAINT stock_stocksource_credentials_id_116e17c6_fk_core_secret_id FOREIGN KEY (credentials_id) REFERENCES public.core_secret(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.stock_stocksource
    ADD CONSTRAINT stock_stocksource_location_id_2b845e2c_fk_stock_location_id FOREIGN KEY (location_id) REFERENCES public.stock_location(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.stock_stocksource
    ADD CONSTRAINT stock_stocksource_organisation_id_ff08dcb9_fk_core_orga FOREIGN KEY (organisation_id) REFERENCES public.core_organisation(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.sync_exchange
    ADD CONSTRAINT sync_exchange_organisation_id_768bc9d9_fk_core_organisation_id FOREIGN KEY (organisation_id) REFERENCES public.core_organisation(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.sync_exchange
    ADD CONSTRAINT sync_exchange_source_id_15ec86e5_fk_stock_stocksource_id FOREIGN KEY (source_id) REFERENCES public.stock_stocksource(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.sync_exchangefile
    ADD CONSTRAINT sync_exchangefile_session_id_8cee866d_fk_sync_exch FOREIGN KEY (session_id) REFERENCES public.sync_exchangesession(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.sync_exchangegood
    ADD CONSTRAINT sync_exchangegood_exchange_id_f0852c04_fk_sync_exchange_id FOREIGN KEY (exchange_id) REFERENCES public.sync_exchange(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.sync_exchangeorder
    ADD CONSTRAINT sync_exchangeorder_exchange_id_07bf7185_fk_sync_exchange_id FOREIGN KEY (exchange_id) REFERENCES public.sync_exchange(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.sync_exchangeorder
    ADD CONSTRAINT sync_exchangeorder_order_id_e09f45de_fk_orders_order_id FOREIGN KEY (order_id) REFERENCES public.orders_order(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.sync_exchangeorder
    ADD CONSTRAINT sync_exchangeorder_session_id_37d66ee6_fk_sync_exch FOREIGN KEY (session_id) REFERENCES public.sync_exchangesession(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.sync_exchangeparked
    ADD CONSTRAINT sync_exchangeparked_exchange_id_e634a51c_fk_sync_exchange_id FOREIGN KEY (exchange_id) REFERENCES public.sync_exchange(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.sync_exchangeparked
    ADD CONSTRAINT sync_exchangeparked_organisation_id_e83d7cf8_fk_core_orga FOREIGN KEY (organisation_id) REFERENCES public.core_organisation(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.sync_exchangepart
    ADD CONSTRAINT sync_exchangepart_file_id_c4a97fe4_fk_sync_exchangefile_id FOREIGN KEY (file_id) REFERENCES public.sync_exchangefile(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.sync_exchangesession
    ADD CONSTRAINT sync_exchangesession_exchange_id_765bba3c_fk_sync_exchange_id FOREIGN KEY (exchange_id) REFERENCES public.sync_exchange(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE public.catalog_identifier ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.catalog_importproblem ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.catalog_importrun ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.catalog_kitcomponent ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.catalog_price ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.catalog_pricelist ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.catalog_product ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.catalog_stockunit ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.catalog_variant ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.channels_channel ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.channels_channellocation ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.channels_command ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.channels_connection ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.channels_drift ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.channels_furtherfield ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.channels_guardedunit ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.channels_lane ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.channels_lanestep ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.channels_observedhold ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.channels_offer ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.channels_offerprice ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.channels_offertodo ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.channels_openevent ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.channels_parked ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.channels_ratebudget ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.channels_remotelisting ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.channels_ringfence ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.channels_ruleoverride ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.channels_ruleversion ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.channels_run ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.channels_sendingcolumns ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.channels_sendplan ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.channels_sendplanpart ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.channels_sendtask ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.channels_sendtaskpart ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.channels_sent_log ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.channels_sent_log_default ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.channels_ticket ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.channels_ticketitem ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.channels_unitsale ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.channels_wait ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.channels_writewindow ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.core_apikey ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.core_auditentry ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.core_datakey ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.core_factchange ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.core_fileexport ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.core_fileexportpart ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.core_invitation ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.core_membership ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.core_noticemessage ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.core_noticetarget ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.core_notification ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.core_personaldata ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.core_personalword ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.core_secret ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.core_snooze ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.fulfilment_shipment ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.fulfilment_shipmentline ENABLE ROW LEVEL SECURITY;
CREATE POLICY gate_callback_select ON public.channels_connection FOR SELECT USING ((( SELECT current_setting('stallkeeper.passage'::text, true) AS current_setting) = 'callback'::text));
COMMENT ON POLICY gate_callback_select ON public.channels_connection IS 'SELECT (SELECT current_setting(''stallkeeper.passage'', true)) = ''callback''';
CREATE POLICY gate_callback_select ON public.core_apikey FOR SELECT USING ((( SELECT current_setting('stallkeeper.passage'::text, true) AS current_setting) = 'callback'::text));
COMMENT ON POLICY gate_callback_select ON public.core_apikey IS 'SELECT (SELECT current_setting(''stallkeeper.passage'', true)) = ''callback''';
CREATE POLICY gate_callback_select ON public.stock_stocksource FOR SELECT USING ((( SELECT current_setting('stallkeeper.passage'::text, true) AS current_setting) = 'callback'::text));
COMMENT ON POLICY gate_callback_select ON public.stock_stocksource IS 'SELECT (SELECT current_setting(''stallkeeper.passage'', true)) = ''callback''';
CREATE POLICY gate_callback_select ON public.sync_exchange FOR SELECT USING ((( SELECT current_setting('stallkeeper.passage'::text, true) AS current_setting) = 'callback'::text));
COMMENT ON POLICY gate_callback_select ON public.sync_exchange IS 'SELECT (SELECT current_setting(''stallkeeper.passage'', true)) = ''callback''';
CREATE POLICY gate_figures_select ON public.channels_channel FOR SELECT USING ((( SELECT current_setting('stallkeeper.passage'::text, true) AS current_setting) = 'figures'::text));
COMMENT ON POLICY gate_figures_select ON public.channels_channel IS 'SELECT (SELECT current_setting(''stallkeeper.passage'', true)) = ''figures''';
CREATE POLICY gate_figures_select ON public.channels_command FOR SELECT USING ((( SELECT current_setting('stallkeeper.passage'::text, true) AS current_setting) = 'figures'::text));
COMMENT ON POLICY gate_figures_select ON public.channels_command IS 'SELECT (SELECT current_setting(''stallkeeper.passage'', true)) = ''figures''';
CREATE POLICY gate_figures_select ON public.channels_connection FOR SELECT USING ((( SELECT current_setting('stallkeeper.passage'::text, true) AS current_setting) = 'figures'::text));
COMMENT ON POLICY gate_figures_select ON public.channels_connection IS 'SELECT (SELECT current_setting(''stallkeeper.passage'', true)) = ''figures''';
CREATE POLICY gate_figures_select ON public.channels_drift FOR SELECT USING ((( SELECT current_setting('stallkeeper.passage'::text, true) AS current_setting) = 'figures'::text));
COMMENT ON POLICY gate_figures_select ON public.channels_drift IS 'SELECT (SELECT current_setting(''stallkeeper.passage'', true)) = ''figures''';
CREATE POLICY gate_figures_select ON public.channels_lane FOR SELECT USING ((( SELECT current_setting('stallkeeper.passage'::text, true) AS current_setting) = 'figures'::text));
COMMENT ON POLICY gate_figures_select ON public.channels_lane IS 'SELECT (SELECT current_setting(''stallkeeper.passage'', true)) = ''figures''';
CREATE POLICY gate_figures_select ON public.channels_lanestep FOR SELECT USING ((( SELECT current_setting('stallkeeper.passage'::text, true) AS current_setting) = 'figures'::text));
COMMENT ON POLICY gate_figures_select ON public.channels_lanestep IS 'SELECT (SELECT current_setting(''stallkeeper.passage'', true)) = ''figures''';
CREATE POLICY gate_figures_select ON public.channels_offer FOR SELECT USING ((( SELECT current_setting('stallkeeper.passage'::text, true) AS current_setting) = 'figures'::text));
COMMENT ON POLICY gate_figures_select ON public.channels_offer IS 'SELECT (SELECT current_setting(''stallkeeper.passage'', true)) = ''figures''';
CREATE POLICY gate_figures_select ON public.channels_offertodo FOR SELECT USING ((( SELECT current_setting('stallkeeper.passage'::text, true) AS current_setting) = 'figures'::text));
COMMENT ON POLICY gate_figures_select ON public.channels_offertodo IS 'SELECT (SELECT current_setting(''stallkeeper.passage'', true)) = ''figures''';
CREATE POLICY gate_figures_select ON public.channels_parked FOR SELECT USING ((( SELECT current_setting('stallkeeper.passage'::text, true) AS current_setting) = 'figures'::text));
COMMENT ON POLICY gate_figures_select ON public.channels_parked IS 'SELECT (SELECT current_setting(''stallkeeper.passage'', true)) = ''figures''';
CREATE POLICY gate_figures_select ON public.channels_ratebudget FOR SELECT USING ((( SELECT current_setting('stallkeeper.passage'::text, true) AS current_setting) = 'figures'::text));
COMMENT ON POLICY gate_figures_select ON public.channels_ratebudget IS 'SELECT (SELECT current_setting(''stallkeeper.passage'', true)) = ''figures''';
CREATE POLICY gate_figures_select ON public.channels_sent_log FOR SELECT USING ((( SELECT current_setting('stallkeeper.passage'::text, true) AS current_setting) = 'figures'::text));
COMMENT ON POLICY gate_figures_select ON public.channels_sent_log IS 'SELECT (SELECT current_setting(''stallkeeper.passage'', true)) = ''figures''';
CREATE POLICY gate_figures_select ON public.core_notification FOR SELECT USING ((( SELECT current_setting('stallkeeper.passage'::text, true) AS current_setting) = 'figures'::text));
COMMENT ON POLICY gate_figures_select ON public.core_notification IS 'SELECT (SELECT current_setting(''stallkeeper.passage'', true)) = ''figures''';
CREATE POLICY gate_figures_select ON public.orders_order FOR SELECT USING ((( SELECT current_setting('stallkeeper.passage'::text, true) AS current_setting) = 'figures'::text));
COMMENT ON POLICY gate_figures_select ON public.orders_order IS 'SELECT (SELECT current_setting(''stallkeeper.passage'', true)) = ''figures''';
CREATE POLICY gate_figures_select ON public.orders_orderline FOR SELECT USING ((( SELECT current_setting('stallkeeper.passage'::text, true) AS current_setting) = 'figures'::text));
COMMENT ON POLICY gate_figures_select ON public.orders_orderline IS 'SELECT (SELECT current_setting(''stallkeeper.passage'', true)) = ''figures''';
CREATE POLICY gate_figures_select ON public.orders_shortage FOR SELECT USING ((( SELECT current_setting('stallkeeper.passage'::text, true) AS current_setting) = 'figures'::text));
COMMENT ON POLICY gate_figures_select ON public.orders_shortage IS 'SELECT (SELECT current_setting(''stallkeeper.passage'', true)) = ''figures''';
CREATE POLICY gate_figures_select ON public.stock_stale FOR SELECT USING ((( SELECT current_setting('stallkeeper.passage'::text, true) AS current_setting) = 'figures'::text));
COMMENT ON POLICY gate_figures_select ON public.stock_stale IS 'SELECT (SELECT current_setting(''stallkeeper.passage'', true)) = ''figures''';
CREATE POLICY gate_housekeeping_delete ON public.channels_run FOR DELETE USING ((( SELECT current_setting('stallkeeper.passage'::text, true) AS current_setting) = 'housekeeping'::text));
COMMENT ON POLICY gate_housekeeping_delete ON public.channels_run IS 'DELETE (SELECT current_setting(''stallkeeper.passage'', true)) = ''housekeeping''';
CREATE POLICY gate_housekeeping_delete ON public.channels_sendplan FOR DELETE USING ((( SELECT current_setting('stallkeeper.passage'::text, true) AS current_setting) = 'housekeeping'::text));
COMMENT ON POLICY gate_housekeeping_delete ON public.channels_sendplan IS 'DELETE (SELECT current_setting(''stallkeeper.passage'', true)) = ''housekeeping''';
CREATE POLICY gate_housekeeping_delete ON public.channels_sendplanpart FOR DELETE USING ((( SELECT current_setting('stallkeeper.passage'::text, true) AS current_setting) = 'housekeeping'::text));
COMMENT ON POLICY gate_housekeeping_delete ON public.channels_sendplanpart IS 'DELETE (SELECT current_setting(''stallkeeper.passage'', true)) = ''housekeeping''';
CREATE POLICY gate_housekeeping_delete ON public.channels_sendtask FOR DELETE USING ((( SELECT current_setting('stallkeeper.passage'::text, true) AS current_setting) = 'housekeeping'::text));
COMMENT ON POLICY gate_housekeeping_delete ON public.channels_sendtask IS 'DELETE (SELECT current_setting(''stallkeeper.passage'', true)) = ''housekeeping''';
CREATE POLICY gate_housekeeping_delete ON public.channels_sendtaskpart FOR DELETE USING ((( SELECT current_setting('stallkeeper.passage'::text, true) AS current_setting) = 'housekeeping'::text));
COMMENT ON POLICY gate_housekeeping_delete ON public.channels_sendtaskpart IS 'DELETE (SELECT current_setting(''stallkeeper.passage'', true)) = ''housekeeping''';
CREATE POLICY gate_housekeeping_delete ON public.channels_wait FOR DELETE USING ((( SELECT current_setting('stallkeeper.passage'::text, true) AS current_setting) = 'housekeeping'::text));
COMMENT ON POLICY gate_housekeeping_delete ON public.channels_wait IS 'DELETE (SELECT current_setting(''stallkeeper.passage'', true)) = ''housekeeping''';
CREATE POLICY gate_housekeeping_delete ON public.channels_writewindow FOR DELETE USING ((( SELECT current_setting('stallkeeper.passage'::text, true) AS current_setting) = 'housekeeping'::text));
COMMENT ON POLICY gate_housekeeping_delete ON public.channels_writewindow IS 'DELETE (SELECT current_setting(''stallkeeper.passage'', true)) = ''housekeeping''';
CREATE POLICY gate_housekeeping_delete ON public.core_fileexport FOR DELETE USING ((( SELECT current_setting('stallkeeper.passage'::text, true) AS current_setting) = 'housekeeping'::text));
COMMENT ON POLICY gate_housekeeping_delete ON public.core_fileexport IS 'DELETE (SELECT current_setting(''stallkeeper.passage'', true)) = ''housekeeping''';
CREATE POLICY gate_housekeeping_delete ON public.core_fileexportpart FOR DELETE USING ((( SELECT current_setting('stallkeeper.passage'::text, true) AS current_setting) = 'housekeeping'::text));
COMMENT ON POLICY gate_housekeeping_delete ON public.core_fileexportpart IS 'DELETE (SELECT current_setting(''stallkeeper.passage'', true)) = ''housekeeping''';
CREATE POLICY gate_housekeeping_delete ON public.core_invitation FOR DELETE USING ((( SELECT current_setting('stallkeeper.passage'::text, true) AS current_setting) = 'housekeeping'::text));
COMMENT ON POLICY gate_housekeeping_delete ON public.core_invitation IS 'DELETE (SELECT current_setting(''stallkeeper.passage'', true)) = ''housekeeping''';
CREATE POLICY gate_housekeeping_delete ON public.core_noticemessage FOR DELETE USING ((( SELECT current_setting('stallkeeper.passage'::text, true) AS current_setting) = 'housekeeping'::text));
COMMENT ON POLICY gate_housekeeping_delete ON public.core_noticemessage IS 'DELETE (SELECT current_setting(''stallkeeper.passage'', true)) = ''housekeeping''';
CREATE POLICY gate_housekeeping_delete ON public.core_personaldata FOR DELETE USING ((( SELECT current_setting('stallkeeper.passage'::text, true) AS current_setting) = 'housekeeping'::text));
COMMENT ON POLICY gate_housekeeping_delete ON public.core_personaldata IS 'DELETE (SELECT current_setting(''stallkeeper.passage'', true)) = ''housekeeping''';
CREATE POLICY gate_housekeeping_delete ON public.core_personalword FOR DELETE USING ((( SELECT current_setting('stallkeeper.passage'::text, true) AS current_setting) = 'housekeeping'::text));
COMMENT ON POLICY gate_housekeeping_delete ON public.core_personalword IS 'DELETE (SELECT current_setting(''stallkeeper.passage'', true)) = ''housekeeping''';
CREATE POLICY gate_housekeeping_delete ON public.orders_raw_payload FOR DELETE USING ((( SELECT current_setting('stallkeeper.passage'::text, true) AS current_setting) = 'housekeeping'::text));
COMMENT ON POLICY gate_housekeeping_delete ON public.orders_raw_payload IS 'DELETE (SELECT current_setting(''stallkeeper.passage'', true)) = ''housekeeping''';
CREATE POLICY gate_housekeeping_delete ON public.sync_exchangefile FOR DELETE USING ((( SELECT current_setting('stallkeeper.passage'::text, true) AS current_setting) = 'housekeeping'::text));
COMMENT ON POLICY gate_housekeeping_delete ON public.sync_exchangefile IS 'DELETE (SELECT current_setting(''stallkeeper.passage'', true)) = ''housekeeping''';
CREATE POLICY gate_housekeeping_delete ON public.sync_exchangepart FOR DELETE USING ((( SELECT current_setting('stallkeeper.passage'::text, true) AS current_setting) = 'housekeeping'::text));
COMMENT ON POLICY gate_housekeeping_delete ON public.sync_exchangepart IS 'DELETE (SELECT current_setting(''stallkeeper.passage'', true)) = ''housekeeping''';
CREATE POLICY gate_housekeeping_select ON public.channels_run FOR SELECT USING ((( SELECT current_setting('stallkeeper.passage'::text, true) AS current_setting) = 'housekeeping'::text));
COMMENT ON POLICY gate_housekeeping_select ON public.channels_run IS 'SELECT (SELECT current_setting(''stallkeeper.passage'', true)) = ''housekeeping''';
CREATE POLICY gate_housekeeping_select ON public.channels_sendplan FOR SELECT USING ((( SELECT current_setting('stallkeeper.passage'::text, true) AS current_setting) = 'housekeeping'::text));
COMMENT ON POLICY gate_housekeeping_select ON public.channels_sendplan IS 'SELECT (SELECT current_setting(''stallkeeper.passage'', true)) = ''housekeeping''';
CREATE POLICY gate_housekeeping_select ON public.channels_sendplanpart FOR SELECT USING ((( SELECT current_setting('stallkeeper.passage'::text, true) AS current_setting) = 'housekeeping'::text));
COMMENT ON POLICY gate_housekeeping_select ON public.channels_sendplanpart IS 'SELECT (SELECT current_setting(''stallkeeper.passage'', true)) = ''housekeeping''';
CREATE POLICY gate_housekeeping_select ON public.channels_sendtask FOR SELECT USING ((( SELECT current_setting('stallkeeper.passage'::text, true) AS current_setting) = 'housekeeping'::text));
COMMENT ON POLICY gate_housekeeping_select ON public.channels_sendtask IS 'SELECT (SELECT current_setting(''stallkeeper.passage'', true)) = ''housekeeping''';
CREATE POLICY gate_housekeeping_select ON public.channels_sendtaskpart FOR SELECT USING ((( SELECT current_setting('stallkeeper.passage'::text, true) AS current_setting) = 'housekeeping'::text));
COMMENT ON POLICY gate_housekeeping_select ON public.channels_sendtaskpart IS 'SELECT (SELECT current_setting(''stallkeeper.passage'', true)) = ''housekeeping''';
CREATE POLICY gate_housekeeping_select ON public.channels_sent_log_default FOR SELECT USING ((( SELECT current_setting('stallkeeper.passage'::text, true) AS current_setting) = 'housekeeping'::text));
COMMENT ON POLICY gate_housekeeping_select ON public.channels_sent_log_default IS 'SELECT (SELECT current_setting(''stallkeeper.passage'', true)) = ''housekeeping''';
CREATE POLICY gate_housekeeping_select ON public.channels_wait FOR SELECT USING ((( SELECT current_setting('stallkeeper.passage'::text, true) AS current_setting) = 'housekeeping'::text));
COMMENT ON POLICY gate_housekeeping_select ON public.channels_wait IS 'SELECT (SELECT current_setting(''stallkeeper.passage'', true)) = ''housekeeping''';
CREATE POLICY gate_housekeeping_select ON public.channels_writewindow FOR SELECT USING ((( SELECT current_setting('stallkeeper.passage'::text, true) AS current_setting) = 'housekeeping'::text));
COMMENT ON POLICY gate_housekeeping_select ON public.channels_writewindow IS 'SELECT (SELECT current_setting(''stallkeeper.passage'', true)) = ''housekeeping''';
CREATE POLICY gate_housekeeping_select ON public.core_fileexport FOR SELECT USING ((( SELECT current_setting('stallkeeper.passage'::text, true) AS current_setting) = 'housekeeping'::text));
COMMENT ON POLICY gate_housekeeping_select ON public.core_fileexport IS 'SELECT (SELECT current_setting(''stallkeeper.passage'', true)) = ''housekeeping''';
CREATE POLICY gate_housekeeping_select ON public.core_fileexportpart FOR SELECT USING ((( SELECT current_setting('stallkeeper.passage'::text, true) AS current_setting) = 'housekeeping'::text));
COMMENT ON POLICY gate_housekeeping_select ON public.core_fileexportpart IS 'SELECT (SELECT current_setting(''stallkeeper.passage'', true)) = ''housekeeping''';
CREATE POLICY gate_housekeeping_select ON public.core_invitation FOR SELECT USING ((( SELECT current_setting('stallkeeper.passage'::text, true) AS current_setting) = 'housekeeping'::text));
COMMENT ON POLICY gate_housekeeping_select ON public.core_invitation IS 'SELECT (SELECT current_setting(''stallkeeper.passage'', true)) = ''housekeeping''';
CREATE POLICY gate_housekeeping_select ON public.core_noticemessage FOR SELECT USING ((( SELECT current_setting('stallkeeper.passage'::text, true) AS current_setting) = 'housekeeping'::text));
COMMENT ON POLICY gate_housekeeping_select ON public.core_noticemessage IS 'SELECT (SELECT current_setting(''stallkeeper.passage'', true)) = ''housekeeping''';
CREATE POLICY gate_housekeeping_select ON public.core_personaldata FOR SELECT USING ((( SELECT current_setting('stallkeeper.passage'::text, true) AS current_setting) = 'housekeeping'::text));
COMMENT ON POLICY gate_housekeeping_select ON public.core_personaldata IS 'SELECT (SELECT current_setting(''stallkeeper.passage'', true)) = ''housekeeping''';
CREATE POLICY gate_housekeeping_select ON public.core_personalword FOR SELECT USING ((( SELECT current_setting('stallkeeper.passage'::text, true) AS current_setting) = 'housekeeping'::text));
COMMENT ON POLICY gate_housekeeping_select ON public.core_personalword IS 'SELECT (SELECT current_setting(''stallkeeper.passage'', true)) = ''housekeeping''';
CREATE POLICY gate_housekeeping_select ON public.orders_raw_payload FOR SELECT USING ((( SELECT current_setting('stallkeeper.passage'::text, true) AS current_setting) = 'housekeeping'::text));
COMMENT ON POLICY gate_housekeeping_select ON public.orders_raw_payload IS 'SELECT (SELECT current_setting(''stallkeeper.passage'', true)) = ''housekeeping''';
CREATE POLICY gate_housekeeping_select ON public.orders_raw_payload_default FOR SELECT USING ((( SELECT current_setting('stallkeeper.passage'::text, true) AS current_setting) = 'housekeeping'::text));
COMMENT ON POLICY gate_housekeeping_select ON public.orders_raw_payload_default IS 'SELECT (SELECT current_setting(''stallkeeper.passage'', true)) = ''housekeeping''';
CREATE POLICY gate_housekeeping_select ON public.orders_shortage FOR SELECT USING ((( SELECT current_setting('stallkeeper.passage'::text, true) AS current_setting) = 'housekeeping'::text));
COMMENT ON POLICY gate_housekeeping_select ON public.orders_shortage IS 'SELECT (SELECT current_setting(''stallkeeper.passage'', true)) = ''housekeeping''';
CREATE POLICY gate_housekeeping_select ON public.stock_reservation_event_default FOR SELECT USING ((( SELECT current_setting('stallkeeper.passage'::text, true) AS current_setting) = 'housekeeping'::text));
COMMENT ON POLICY gate_housekeeping_select ON public.stock_reservation_event_default IS 'SELECT (SELECT current_setting(''stallkeeper.passage'', true)) = ''housekeeping''';
CREATE POLICY gate_housekeeping_select ON public.sync_exchangefile FOR SELECT USING ((( SELECT current_setting('stallkeeper.passage'::text, true) AS current_setting) = 'housekeeping'::text));
COMMENT ON POLICY gate_housekeeping_select ON public.sync_exchangefile IS 'SELECT (SELECT current_setting(''stallkeeper.passage'', true)) = ''housekeeping''';
CREATE POLICY gate_housekeeping_select ON public.sync_exchangepart FOR SELECT USING ((( SELECT current_setting('stallkeeper.passage'::text, true) AS current_setting) = 'housekeeping'::text));
COMMENT ON POLICY gate_housekeeping_select ON public.sync_exchangepart IS 'SELECT (SELECT current_setting(''stallkeeper.passage'', true)) = ''housekeeping''';
CREATE POLICY gate_housekeeping_select ON public.sync_exchangesession FOR SELECT USING ((( SELECT current_setting('stallkeeper.passage'::text, true) AS current_setting) = 'housekeeping'::text));
COMMENT ON POLICY gate_housekeeping_select ON public.sync_exchangesession IS 'SELECT (SELECT current_setting(''stallkeeper.passage'', true)) = ''housekeeping''';
CREATE POLICY gate_housekeeping_update ON public.core_personaldata FOR UPDATE USING ((( SELECT current_setting('stallkeeper.passage'::text, true) AS current_setting) = 'housekeeping'::text)) WITH CHECK ((( SELECT current_setting('stallkeeper.passage'::text, true) AS current_setting) = 'housekeeping'::text));
COMMENT ON POLICY gate_housekeeping_update ON public.core_personaldata IS 'UPDATE (SELECT current_setting(''stallkeeper.passage'', true)) = ''housekeeping''';
CREATE POLICY gate_keys_select ON public.core_datakey FOR SELECT USING ((( SELECT current_setting('stallkeeper.passage'::text, true) AS current_setting) = 'keys'::text));
COMMENT ON POLICY gate_keys_select ON public.core_datakey IS 'SELECT (SELECT current_setting(''stallkeeper.passage'', true)) = ''keys''';
CREATE POLICY gate_people_select ON public.core_invitation FOR SELECT USING ((( SELECT current_setting('stallkeeper.passage'::text, true) AS current_setting) = 'people'::text));
COMMENT ON POLICY gate_people_select ON public.core_invitation IS 'SELECT (SELECT current_setting(''stallkeeper.passage'', true)) = ''people''';
CREATE POLICY gate_people_select ON public.core_membership FOR SELECT USING ((( SELECT current_setting('stallkeeper.passage'::text, true) AS current_setting) = 'people'::text));
COMMENT ON POLICY gate_people_select ON public.core_membership IS 'SELECT (SELECT current_setting(''stallkeeper.passage'', true)) = ''people''';
CREATE POLICY gate_tick_insert ON public.channels_lane FOR INSERT WITH CHECK ((( SELECT current_setting('stallkeeper.passage'::text, true) AS current_setting) = 'tick'::text));
COMMENT ON POLICY gate_tick_insert ON public.channels_lane IS 'INSERT (SELECT current_setting(''stallkeeper.passage'', true)) = ''tick''';
CREATE POLICY gate_tick_select ON public.channels_connection FOR SELECT USING ((( SELECT current_setting('stallkeeper.passage'::text, true) AS current_setting) = 'tick'::text));
COMMENT ON POLICY gate_tick_select ON public.channels_connection IS 'SELECT (SELECT current_setting(''stallkeeper.passage'', true)) = ''tick''';
CREATE POLICY gate_tick_select ON public.channels_lane FOR SELECT USING ((( SELECT current_setting('stallkeeper.passage'::text, true) AS current_setting) = 'tick'::text));
COMMENT ON POLICY gate_tick_select ON public.channels_lane IS 'SELECT (SELECT current_setting(''stallkeeper.passage'', true)) = ''tick''';
CREATE POLICY gate_tick_select ON public.channels_observedhold FOR SELECT USING ((( SELECT current_setting('stallkeeper.passage'::text, true) AS current_setting) = 'tick'::text));
COMMENT ON POLICY gate_tick_select ON public.channels_observedhold IS 'SELECT (SELECT current_setting(''stallkeeper.passage'', true)) = ''tick''';
CREATE POLICY gate_tick_select ON public.channels_unitsale FOR SELECT USING ((( SELECT current_setting('stallkeeper.passage'::text, true) AS current_setting) = 'tick'::text));
COMMENT ON POLICY gate_tick_select ON public.channels_unitsale IS 'SELECT (SELECT current_setting(''stallkeeper.passage'', true)) = ''tick''';
CREATE POLICY gate_tick_select ON public.core_fileexport FOR SELECT USING ((( SELECT current_setting('stallkeeper.passage'::text, true) AS current_setting) = 'tick'::text));
COMMENT ON POLICY gate_tick_select ON public.core_fileexport IS 'SELECT (SELECT current_setting(''stallkeeper.passage'', true)) = ''tick''';
CREATE POLICY gate_tick_select ON public.orders_order FOR SELECT USING ((( SELECT current_setting('stallkeeper.passage'::text, true) AS current_setting) = 'tick'::text));
COMMENT ON POLICY gate_tick_select ON public.orders_order IS 'SELECT (SELECT current_setting(''stallkeeper.passage'', true)) = ''tick''';
CREATE POLICY gate_tick_select ON public.stock_reservation FOR SELECT USING ((( SELECT current_setting('stallkeeper.passage'::text, true) AS current_setting) = 'tick'::text));
COMMENT ON POLICY gate_tick_select ON public.stock_reservation IS 'SELECT (SELECT current_setting(''stallkeeper.passage'', true)) = ''tick''';
CREATE POLICY gate_tick_select ON public.stock_stale FOR SELECT USING ((( SELECT current_setting('stallkeeper.passage'::text, true) AS current_setting) = 'tick'::text));
COMMENT ON POLICY gate_tick_select ON public.stock_stale IS 'SELECT (SELECT current_setting(''stallkeeper.passage'', true)) = ''tick''';
CREATE POLICY gate_tick_select ON public.stock_stocksource FOR SELECT USING ((( SELECT current_setting('stallkeeper.passage'::text, true) AS current_setting) = 'tick'::text));
COMMENT ON POLICY gate_tick_select ON public.stock_stocksource IS 'SELECT (SELECT current_setting(''stallkeeper.passage'', true)) = ''tick''';
CREATE POLICY gate_tick_update ON public.channels_lane FOR UPDATE USING ((( SELECT current_setting('stallkeeper.passage'::text, true) AS current_setting) = 'tick'::text)) WITH CHECK ((( SELECT current_setting('stallkeeper.passage'::text, true) AS current_setting) = 'tick'::text));
COMMENT ON POLICY gate_tick_update ON public.channels_lane IS 'UPDATE (SELECT current_setting(''stallkeeper.passage'', true)) = ''tick''';
ALTER TABLE public.orders_amount ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.orders_delay ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.orders_exposure ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.orders_order ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.orders_orderdesk ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.orders_orderevent ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.orders_orderline ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.orders_ordernote ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.orders_ordersplit ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.orders_orderview ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.orders_promise ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.orders_raw_payload ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.orders_raw_payload_default ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.orders_shortage ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.stock_incoming ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.stock_level ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.stock_location ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.stock_manualhold ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.stock_movement ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.stock_reservation ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.stock_reservation_event ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.stock_reservation_event_default ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.stock_sourceproblem ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.stock_sourcerun ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.stock_stale ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.stock_stockcount ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.stock_stocksource ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.sync_exchange ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.sync_exchangefile ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.sync_exchangegood ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.sync_exchangeorder ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.sync_exchangeparked ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.sync_exchangepart ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.sync_exchangesession ENABLE ROW LEVEL SECURITY;
CREATE POLICY wall ON public.catalog_identifier USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.catalog_identifier IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.catalog_importproblem USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.catalog_importproblem IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.catalog_importrun USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.catalog_importrun IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.catalog_kitcomponent USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.catalog_kitcomponent IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.catalog_price USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.catalog_price IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.catalog_pricelist USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.catalog_pricelist IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.catalog_product USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.catalog_product IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.catalog_stockunit USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.catalog_stockunit IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.catalog_variant USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.catalog_variant IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.channels_channel USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.channels_channel IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.channels_channellocation USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.channels_channellocation IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.channels_command USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.channels_command IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.channels_connection USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.channels_connection IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.channels_drift USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.channels_drift IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.channels_furtherfield USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.channels_furtherfield IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.channels_guardedunit USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.channels_guardedunit IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.channels_lane USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.channels_lane IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.channels_lanestep USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.channels_lanestep IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.channels_observedhold USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.channels_observedhold IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.channels_offer USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.channels_offer IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.channels_offerprice USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.channels_offerprice IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.channels_offertodo USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.channels_offertodo IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.channels_openevent USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.channels_openevent IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.channels_parked USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.channels_parked IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.channels_ratebudget USING ((connection_id IN ( SELECT channels_connection.id
   FROM public.channels_connection))) WITH CHECK ((connection_id IN ( SELECT channels_connection.id
   FROM public.channels_connection)));
COMMENT ON POLICY wall ON public.channels_ratebudget IS 'ALL connection_id IN (SELECT id FROM channels_connection)';
CREATE POLICY wall ON public.channels_remotelisting USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.channels_remotelisting IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.channels_ringfence USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.channels_ringfence IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.channels_ruleoverride USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.channels_ruleoverride IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.channels_ruleversion USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.channels_ruleversion IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.channels_run USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.channels_run IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.channels_sendingcolumns USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.channels_sendingcolumns IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.channels_sendplan USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.channels_sendplan IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.channels_sendplanpart USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.channels_sendplanpart IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.channels_sendtask USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.channels_sendtask IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.channels_sendtaskpart USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.channels_sendtaskpart IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.channels_sent_log USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.channels_sent_log IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.channels_sent_log_default USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.channels_sent_log_default IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.channels_ticket USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.channels_ticket IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.channels_ticketitem USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.channels_ticketitem IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.channels_unitsale USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.channels_unitsale IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.channels_wait USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.channels_wait IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.channels_writewindow USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.channels_writewindow IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.core_apikey USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.core_apikey IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.core_auditentry USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.core_auditentry IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.core_datakey USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.core_datakey IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.core_factchange USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.core_factchange IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.core_fileexport USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.core_fileexport IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.core_fileexportpart USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.core_fileexportpart IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.core_invitation USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.core_invitation IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.core_membership USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.core_membership IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.core_noticemessage USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.core_noticemessage IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.core_noticetarget USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.core_noticetarget IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.core_notification USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.core_notification IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.core_personaldata USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.core_personaldata IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.core_personalword USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.core_personalword IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.core_secret USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.core_secret IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.core_snooze USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.core_snooze IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.fulfilment_shipment USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.fulfilment_shipment IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.fulfilment_shipmentline USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.fulfilment_shipmentline IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.orders_amount USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.orders_amount IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.orders_delay USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.orders_delay IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.orders_exposure USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.orders_exposure IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.orders_order USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.orders_order IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.orders_orderdesk USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.orders_orderdesk IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.orders_orderevent USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.orders_orderevent IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.orders_orderline USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.orders_orderline IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.orders_ordernote USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.orders_ordernote IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.orders_ordersplit USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.orders_ordersplit IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.orders_orderview USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.orders_orderview IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.orders_promise USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.orders_promise IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.orders_raw_payload USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.orders_raw_payload IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.orders_raw_payload_default USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.orders_raw_payload_default IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.orders_shortage USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.orders_shortage IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.stock_incoming USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.stock_incoming IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.stock_level USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.stock_level IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.stock_location USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.stock_location IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.stock_manualhold USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.stock_manualhold IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.stock_movement USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.stock_movement IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.stock_reservation USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.stock_reservation IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.stock_reservation_event USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.stock_reservation_event IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.stock_reservation_event_default USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.stock_reservation_event_default IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.stock_sourceproblem USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.stock_sourceproblem IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.stock_sourcerun USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.stock_sourcerun IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.stock_stale USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.stock_stale IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.stock_stockcount USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.stock_stockcount IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.stock_stocksource USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.stock_stocksource IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.sync_exchange USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.sync_exchange IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.sync_exchangefile USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.sync_exchangefile IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.sync_exchangegood USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.sync_exchangegood IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.sync_exchangeorder USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.sync_exchangeorder IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.sync_exchangeparked USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.sync_exchangeparked IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.sync_exchangepart USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.sync_exchangepart IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
CREATE POLICY wall ON public.sync_exchangesession USING ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif"))) WITH CHECK ((organisation_id = ( SELECT (NULLIF(current_setting('stallkeeper.organisation'::text, true), ''::text))::bigint AS "nullif")));
COMMENT ON POLICY wall ON public.sync_exchangesession IS 'ALL organisation_id = (SELECT NULLIF(current_setting(''stallkeeper.organisation'', true), '''')::bigint)';
INSERT INTO public.django_migrations VALUES (1, 'contenttypes', '0001_initial', now());
INSERT INTO public.django_migrations VALUES (2, 'contenttypes', '0002_remove_content_type_name', now());
INSERT INTO public.django_migrations VALUES (3, 'auth', '0001_initial', now());
INSERT INTO public.django_migrations VALUES (4, 'auth', '0002_alter_permission_name_max_length', now());
INSERT INTO public.django_migrations VALUES (5, 'auth', '0003_alter_user_email_max_length', now());
INSERT INTO public.django_migrations VALUES (6, 'auth', '0004_alter_user_username_opts', now());
INSERT INTO public.django_migrations VALUES (7, 'auth', '0005_alter_user_last_login_null', now());
INSERT INTO public.django_migrations VALUES (8, 'auth', '0006_require_contenttypes_0002', now());
INSERT INTO public.django_migrations VALUES (9, 'auth', '0007_alter_validators_add_error_messages', now());
INSERT INTO public.django_migrations VALUES (10, 'auth', '0008_alter_user_username_max_length', now());
INSERT INTO public.django_migrations VALUES (11, 'auth', '0009_alter_user_last_name_max_length', now());
INSERT INTO public.django_migrations VALUES (12, 'auth', '0010_alter_group_name_max_length', now());
INSERT INTO public.django_migrations VALUES (13, 'auth', '0011_update_proxy_permissions', now());
INSERT INTO public.django_migrations VALUES (14, 'auth', '0012_alter_user_first_name_max_length', now());
INSERT INTO public.django_migrations VALUES (15, 'core', '0001_initial', now());
INSERT INTO public.django_migrations VALUES (16, 'admin', '0001_initial', now());
INSERT INTO public.django_migrations VALUES (17, 'admin', '0002_logentry_remove_auto_add', now());
INSERT INTO public.django_migrations VALUES (18, 'admin', '0003_logentry_add_action_flag_choices', now());
INSERT INTO public.django_migrations VALUES (19, 'axes', '0001_initial', now());
INSERT INTO public.django_migrations VALUES (20, 'axes', '0002_auto_20151217_2044', now());
INSERT INTO public.django_migrations VALUES (21, 'axes', '0003_auto_20160322_0929', now());
INSERT INTO public.django_migrations VALUES (22, 'axes', '0004_auto_20181024_1538', now());
INSERT INTO public.django_migrations VALUES (23, 'axes', '0005_remove_accessattempt_trusted', now());
INSERT INTO public.django_migrations VALUES (24, 'axes', '0006_remove_accesslog_trusted', now());
INSERT INTO public.django_migrations VALUES (25, 'axes', '0007_alter_accessattempt_unique_together', now());
INSERT INTO public.django_migrations VALUES (26, 'axes', '0008_accessfailurelog', now());
INSERT INTO public.django_migrations VALUES (27, 'axes', '0009_add_session_hash', now());
INSERT INTO public.django_migrations VALUES (28, 'axes', '0010_accessattemptexpiration', now());
INSERT INTO public.django_migrations VALUES (29, 'core', '0002_append_only', now());
INSERT INTO public.django_migrations VALUES (30, 'core', '0003_hot_path', now());
INSERT INTO public.django_migrations VALUES (31, 'catalog', '0001_initial', now());
INSERT INTO public.django_migrations VALUES (32, 'catalog', '0002_kits', now());
INSERT INTO public.django_migrations VALUES (33, 'catalog', '0003_fewer_look_ups', now());
INSERT INTO public.django_migrations VALUES (34, 'catalog', '0004_words_of_imports', now());
INSERT INTO public.django_migrations VALUES (35, 'catalog', '0005_search', now());
INSERT INTO public.django_migrations VALUES (36, 'core', '0004_daily_run', now());
INSERT INTO public.django_migrations VALUES (37, 'core', '0005_quarantine', now());
INSERT INTO public.django_migrations VALUES (38, 'core', '0006_balancer', now());
INSERT INTO public.django_migrations VALUES (39, 'core', '0007_history', now());
INSERT INTO public.django_migrations VALUES (40, 'core', '0008_guard_below', now());
INSERT INTO public.django_migrations VALUES (41, 'core', '0009_api_keys', now());
INSERT INTO public.django_migrations VALUES (42, 'core', '0010_words_of_notifications', now());
INSERT INTO public.django_migrations VALUES (43, 'core', '0011_person_zone', now());
INSERT INTO public.django_migrations VALUES (44, 'core', '0012_file_exports', now());
INSERT INTO public.django_migrations VALUES (45, 'core', '0013_people', now());
INSERT INTO public.django_migrations VALUES (46, 'core', '0014_problem_board', now());
INSERT INTO public.django_migrations VALUES (47, 'stock', '0001_initial', now());
INSERT INTO public.django_migrations VALUES (48, 'stock', '0002_ledger', now());
INSERT INTO public.django_migrations VALUES (49, 'channels', '0001_initial', now());
INSERT INTO public.django_migrations VALUES (50, 'channels', '0002_offers', now());
INSERT INTO public.django_migrations VALUES (51, 'channels', '0003_sync', now());
INSERT INTO public.django_migrations VALUES (52, 'channels', '0004_unacknowledged', now());
INSERT INTO public.django_migrations VALUES (53, 'channels', '0005_hot_path', now());
INSERT INTO public.django_migrations VALUES (54, 'channels', '0006_todo_order', now());
INSERT INTO public.django_migrations VALUES (55, 'channels', '0007_sending', now());
INSERT INTO public.django_migrations VALUES (56, 'channels', '0008_fewer_look_ups', now());
INSERT INTO public.django_migrations VALUES (57, 'channels', '0009_observability', now());
INSERT INTO public.django_migrations VALUES (58, 'channels', '0010_lane_claimed', now());
INSERT INTO public.django_migrations VALUES (59, 'channels', '0011_ticket_in_vain', now());
INSERT INTO public.django_migrations VALUES (60, 'channels', '0012_channel_warehouse', now());
INSERT INTO public.django_migrations VALUES (61, 'channels', '0013_balancer', now());
INSERT INTO public.django_migrations VALUES (62, 'channels', '0014_observed_since', now());
INSERT INTO public.django_migrations VALUES (63, 'channels', '0015_send_plans', now());
INSERT INTO public.django_migrations VALUES (64, 'channels', '0016_open_event', now());
INSERT INTO public.django_migrations VALUES (65, 'channels', '0017_rule_overrides', now());
INSERT INTO public.django_migrations VALUES (66, 'channels', '0018_sending_columns', now());
INSERT INTO public.django_migrations VALUES (67, 'channels', '0019_guard', now());
INSERT INTO public.django_migrations VALUES (68, 'channels', '0020_send_outcome', now());
INSERT INTO public.django_migrations VALUES (69, 'channels', '0021_write_window_age', now());
INSERT INTO public.django_migrations VALUES (70, 'channels', '0022_listings', now());
INSERT INTO public.django_migrations VALUES (71, 'channels', '0023_problem_board', now());
INSERT INTO public.django_migrations VALUES (72, 'channels', '0024_command_cancel', now());
INSERT INTO public.django_migrations VALUES (73, 'channels', '0025_waits', now());
INSERT INTO public.django_migrations VALUES (74, 'channels', '0026_channel_fields', now());
INSERT INTO public.django_migrations VALUES (75, 'channels', '0027_step_moved', now());
INSERT INTO public.django_migrations VALUES (76, 'channels', '0028_sub_channels', now());
INSERT INTO public.django_migrations VALUES (77, 'channels', '0029_channel_of_holds', now());
INSERT INTO public.django_migrations VALUES (78, 'core', '0015_first_run', now());
INSERT INTO public.django_migrations VALUES (79, 'core', '0016_sign_in', now());
INSERT INTO public.django_migrations VALUES (80, 'core', '0017_audit_by_time', now());
INSERT INTO public.django_migrations VALUES (81, 'core', '0018_personal_words', now());
INSERT INTO public.django_migrations VALUES (82, 'core', '0019_targets', now());
INSERT INTO public.django_migrations VALUES (83, 'core', '0020_delays_until', now());
INSERT INTO public.django_migrations VALUES (84, 'orders', '0001_initial', now());
INSERT INTO public.django_migrations VALUES (85, 'orders', '0002_raw_payload', now());
INSERT INTO public.django_migrations VALUES (86, 'fulfilment', '0001_initial', now());
INSERT INTO public.django_migrations VALUES (87, 'fulfilment', '0002_search', now());
INSERT INTO public.django_migrations VALUES (88, 'orders', '0003_shortage_window', now());
INSERT INTO public.django_migrations VALUES (89, 'orders', '0004_hot_path', now());
INSERT INTO public.django_migrations VALUES (90, 'orders', '0005_taken_back', now());
INSERT INTO public.django_migrations VALUES (91, 'orders', '0006_fewer_look_ups', now());
INSERT INTO public.django_migrations VALUES (92, 'orders', '0007_told_shipped', now());
INSERT INTO public.django_migrations VALUES (93, 'orders', '0008_splits', now());
INSERT INTO public.django_migrations VALUES (94, 'orders', '0009_shortage_guard', now());
INSERT INTO public.django_migrations VALUES (95, 'orders', '0010_exposure', now());
INSERT INTO public.django_migrations VALUES (96, 'orders', '0011_shortage_of_window', now());
INSERT INTO public.django_migrations VALUES (97, 'orders', '0012_shortage_cut_wanted', now());
INSERT INTO public.django_migrations VALUES (98, 'orders', '0013_deadlines', now());
INSERT INTO public.django_migrations VALUES (99, 'orders', '0014_problem_board', now());
INSERT INTO public.django_migrations VALUES (100, 'orders', '0015_order_desk', now());
INSERT INTO public.django_migrations VALUES (101, 'orders', '0016_delays', now());
INSERT INTO public.django_migrations VALUES (102, 'procrastinate', '0001_initial', now());
INSERT INTO public.django_migrations VALUES (103, 'procrastinate', '0002_drop_started_at_column', now());
INSERT INTO public.django_migrations VALUES (104, 'procrastinate', '0003_drop_started_at_column', now());
INSERT INTO public.django_migrations VALUES (105, 'procrastinate', '0004_drop_procrastinate_version_table', now());
INSERT INTO public.django_migrations VALUES (106, 'procrastinate', '0005_fix_procrastinate_fetch_job', now());
INSERT INTO public.django_migrations VALUES (107, 'procrastinate', '0006_fix_trigger_status_events_insert', now());
INSERT INTO public.django_migrations VALUES (108, 'procrastinate', '0007_add_queueing_lock_column', now());
INSERT INTO public.django_migrations VALUES (109, 'procrastinate', '0008_close_fetch_job_race_condition', now());
INSERT INTO public.django_migrations VALUES (110, 'procrastinate', '0009_add_defer_job_function', now());
INSERT INTO public.django_migrations VALUES (111, 'procrastinate', '0010_add_procrastinate_periodic_defers', now());
INSERT INTO public.django_migrations VALUES (112, 'procrastinate', '0011_add_foreign_key_index', now());
INSERT INTO public.django_migrations VALUES (113, 'procrastinate', '0012_add_locks_to_periodic_defer', now());
INSERT INTO public.django_migrations VALUES (114, 'procrastinate', '0013_fix_procrastinate_defer_periodic_job', now());
INSERT INTO public.django_migrations VALUES (115, 'procrastinate', '0014_add_finish_job_and_retry_job_functions', now());
INSERT INTO public.django_migrations VALUES (116, 'procrastinate', '0015_add_trigger_on_job_deletion', now());
INSERT INTO public.django_migrations VALUES (117, 'procrastinate', '0016_delete_finished_jobs', now());
INSERT INTO public.django_migrations VALUES (118, 'procrastinate', '0017_add_checks_to_finish_job', now());
INSERT INTO public.django_migrations VALUES (119, 'procrastinate', '0018_add_checks_to_retry_job', now());
INSERT INTO public.django_migrations VALUES (120, 'procrastinate', '0019_fix_finish_job_compat_issue', now());
INSERT INTO public.django_migrations VALUES (121, 'procrastinate', '0020_add_index_on_procrastinate_jobs', now());
INSERT INTO public.django_migrations VALUES (122, 'procrastinate', '0021_add_kwargs_to_defer_periodic_job', now());
INSERT INTO public.django_migrations VALUES (123, 'procrastinate', '0022_null_locks_excluded', now());
INSERT INTO public.django_migrations VALUES (124, 'procrastinate', '0023_remove_old_finish_job_function', now());
INSERT INTO public.django_migrations VALUES (125, 'procrastinate', '0024_job_id_bigint', now());
INSERT INTO public.django_migrations VALUES (126, 'procrastinate', '0025_add_models', now());
INSERT INTO public.django_migrations VALUES (127, 'procrastinate', '0026_add_job_priority', now());
INSERT INTO public.django_migrations VALUES (128, 'procrastinate', '0027_add_periodic_job_priority', now());
INSERT INTO public.django_migrations VALUES (129, 'procrastinate', '0028_add_cancel_states', now());
INSERT INTO public.django_migrations VALUES (130, 'procrastinate', '0029_add_additional_params_to_retry_job', now());
INSERT INTO public.django_migrations VALUES (131, 'procrastinate', '0030_alter_procrastinateevent_options', now());
INSERT INTO public.django_migrations VALUES (132, 'procrastinate', '0031_add_indexes_for_fetch_job', now());
INSERT INTO public.django_migrations VALUES (133, 'procrastinate', '0032_pre_cancel_notification', now());
INSERT INTO public.django_migrations VALUES (134, 'procrastinate', '0033_post_cancel_notification', now());
INSERT INTO public.django_migrations VALUES (135, 'procrastinate', '0034_pre_add_heartbeat', now());
INSERT INTO public.django_migrations VALUES (136, 'procrastinate', '0035_post_add_heartbeat', now());
INSERT INTO public.django_migrations VALUES (137, 'procrastinate', '0036_add_worker_model', now());
INSERT INTO public.django_migrations VALUES (138, 'procrastinate', '0037_pre_batch_defer_jobs', now());
INSERT INTO public.django_migrations VALUES (139, 'procrastinate', '0038_post_batch_defer_jobs', now());
INSERT INTO public.django_migrations VALUES (140, 'procrastinate', '0039_pre_priority_lock_fetch_job', now());
INSERT INTO public.django_migrations VALUES (141, 'procrastinate', '0040_pre_retry_failed_job', now());
INSERT INTO public.django_migrations VALUES (142, 'procrastinate', '0041_post_retry_failed_job', now());
INSERT INTO public.django_migrations VALUES (143, 'sessions', '0001_initial', now());
INSERT INTO public.django_migrations VALUES (144, 'stock', '0003_hot_path', now());
INSERT INTO public.django_migrations VALUES (145, 'stock', '0004_kept_back', now());
INSERT INTO public.django_migrations VALUES (146, 'stock', '0005_fewer_look_ups', now());
INSERT INTO public.django_migrations VALUES (147, 'stock', '0006_stock_source', now());
INSERT INTO public.django_migrations VALUES (148, 'stock', '0007_words_of_sources', now());
INSERT INTO public.django_migrations VALUES (149, 'sync', '0001_exchange', now());
INSERT INTO public.django_migrations VALUES (150, 'sync', '0002_exchange_basis', now());
SELECT pg_catalog.setval('public.django_migrations_id_seq', 150, true);
