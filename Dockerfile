# The image that every service of docker-compose.yaml runs: Python, the locked packages, the code.
# Plain instructions only, so that Docker's older builder makes it too.
FROM python:3.13-slim-bookworm

# Airflow is configured by its environment alone: /dev/null keeps it from writing a file of defaults.
# The uid is the data folder's (docker/start.py), known to no passwd: hence USER and HOME.
ENV AIRFLOW_HOME=/airflow \
    AIRFLOW_CONFIG=/dev/null \
    DATAOPS_ROOT=/project \
    HOME=/tmp \
    PYTHONPATH=/project \
    PYTHONUNBUFFERED=1 \
    USER=dataops

WORKDIR /project

# Packages first: a change of code leaves this layer alone. pip checks every hash and compiles what it
# installs, without which each process would compile Airflow anew (start-up: minutes, not seconds).
COPY requirements-compose.lock /image/
RUN pip install --no-cache-dir --no-deps --only-binary=:all: --require-hashes \
        --disable-pip-version-check --root-user-action=ignore \
        --requirement /image/requirements-compose.lock

COPY . .
RUN chmod -R a+rX /image /project \
    && chmod 755 docker/start.py \
    && ln -s /project/docker/start.py /usr/local/bin/start \
    && ln -s /project/docker/start.py /usr/local/bin/dataops

ENTRYPOINT ["start"]
