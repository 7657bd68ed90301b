INSERT INTO bench.floor (n) VALUES (1);
INSERT INTO bench.floor (n) VALUES (1);
INSERT INTO bench.floor (n) VALUES (1);
