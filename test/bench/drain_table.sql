SELECT bench.work_table(:size);
