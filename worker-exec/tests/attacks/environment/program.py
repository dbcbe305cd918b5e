import os

def attack():
    return sorted(set(os.environ) & {"HOSTNAME", "HOME", "USER", "DOCKER_HOST", "AMQP_URL", "OPENAI_API_KEY"})
