-- A town for the fuzzing: enough of everything for people to take, change and delete at random for a while.
CREATE TEMP VIEW cast_of AS
    SELECT renter.id AS renter, owner.id AS owner, other.id AS other
    FROM users AS renter, users AS owner, users AS other
    WHERE renter.email = 'renter@example.com' AND owner.email = 'owner@example.com' AND other.email = 'other@example.com';

UPDATE users SET role = 'admin' WHERE email = 'admin@example.com';

WITH listed AS (
    INSERT INTO spots (owner_id, title, spot_type, vehicle_size, address, city, prefecture, zip_code, country,
        latitude, longitude, hourly_rate, currency, time_zone, access_instructions)
    SELECT CASE WHEN number % 10 = 0 THEN other ELSE owner END, 'Courtyard number ' || number, 'covered', 'standard',
        'Ermou ' || number, 'Athens', 'Attica', '10563', 'Greece', 37.9 + number / 1000.0, 23.7, 350, 'EUR',
        'Europe/Athens', 'The code of the gate is 2468.'
    FROM cast_of, generate_series(1, 120) AS number
    RETURNING id
)
INSERT INTO spot_stats (spot_id, total_bookings) SELECT id, 2 FROM listed;

INSERT INTO availability_slots (spot_id, day_of_week, start_minute, end_minute, is_available)
SELECT id, day, 0, 1440, true FROM spots, generate_series(0, 6) AS day WHERE title LIKE '%1';

-- Hours from now; two spots in ten have no booking, so that they can be deleted.
INSERT INTO bookings (spot_id, user_id, owner_id, status, payment_status, start_time, end_time,
    total_amount, service_fee, owner_payout, currency)
SELECT spots.id, CASE WHEN spots.title LIKE '%7' THEN other ELSE renter END, spots.owner_id, status, payment_status,
    now() + first * interval '1 hour', now() + last * interval '1 hour', 770, 70, 700, 'EUR'
FROM cast_of, spots, (VALUES
    ('completed', 'completed', -72, -70),
    ('completed', 'completed', -48, -46),
    ('in_progress', 'completed', -1, 0.2),
    ('confirmed', 'completed', 0.2, 2),
    ('cancelled', 'refunded', 30, 32),
    ('confirmed', 'completed', 500, 502)
) AS planned (status, payment_status, first, last)
WHERE right(spots.title, 1) NOT IN ('5', '6');

INSERT INTO reviews (booking_id, spot_id, reviewer_id, overall_rating, title)
SELECT id, spot_id, user_id, 4, 'Easy to find' FROM bookings
WHERE status = 'completed' AND start_time < now() - interval '60 hours';

UPDATE spot_stats SET total_reviews = 1, average_rating = 4 FROM reviews WHERE reviews.spot_id = spot_stats.spot_id;
