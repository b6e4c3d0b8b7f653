@C15
Feature: Resource Management
  Stakeholders: resource providers, service providers
  Environment: feature or testnet
  Development: implemented

  Background:
    Given the following nodes
      | nodes | role | onboarded | org   |
      | Alice | SP   | false     | nunet |
      | Bob   | CP   | false     | nunet |
    And the scenario:
      """
      images:
        example/greedy: {size: 20 MB, start: 1s, service: {}, uses: {cpu: 4, ram: 256 MiB}}
        example/leaky: {size: 20 MB, start: 1s, service: {}, uses: {ram: {start: 200 MiB, size: 200 MiB, every: 10s}}}
        example/writer: {size: 20 MB, start: 1s, task: {run: 1h}, uses: {disk: {start: 1 MiB, size: 500 MiB, every: 10s}}}
      """

  @deviation-units
  Scenario: Onboard a machine
    Given "Bob" should not be onboarded
    When "Bob" onboards 2 CPU, 4 GB RAM and 10 GB disk
    Then "Bob" should be onboarded
    And "Bob" should offer 2 CPU, 4 GB RAM and 10 GB disk
    And "Bob" should hold nothing

  Scenario: Offboard a machine
    Given "Bob" onboards 2 CPU, 4 GB RAM and 10 GB disk
    When "Bob" offboards
    Then "Bob" should not be onboarded
    And "Bob" should offer nothing
    When "Alice" deploys "docker_hello.yaml"
    Then "Alice" deployment should fail
    And "Bob" should have refused "Alice" deployment with "not onboarded"

  Scenario: More cannot be onboarded than the machine has
    When "Bob" tries to onboard 64 CPU, 4 GB RAM and 10 GB disk
    Then "Bob" should be told "refused"
    And "Bob" should not be onboarded

  @deviation-units
  Scenario: What allocations hold cannot be taken from them
    Given "Bob" onboards 2 CPU, 4 GB RAM and 10 GB disk
    And "Alice" deploys a service of 2 CPU, 2 GB RAM and 5 GB disk on "Bob"
    And "Alice" deployment is running
    When "Bob" tries to onboard 1 CPU, 4 GB RAM and 10 GB disk
    Then "Bob" should be told "refused"
    And "Bob" should offer 2 CPU, 4 GB RAM and 10 GB disk
    When "Bob" tries to offboard
    Then "Bob" should be told "refused"
    And "Bob" should be onboarded
    And "Alice" deployment should be running on "Bob"

  Scenario Outline: A deployment that exceeds the offer is refused
    Given "Bob" onboards 2 CPU, 4 GB RAM and 10 GB disk
    When "Alice" deploys a task of <cpu> CPU, <ram> GB RAM and <disk> GB disk
    Then "Alice" deployment should fail
    And "Bob" should have refused "Alice" deployment with "<what>"
    And "Bob" should hold nothing
    When "Alice" deploys a task of <cpu> CPU, <ram> GB RAM and <disk> GB disk on "Bob"
    Then "Alice" deployment should fail
    And "Bob" should have refused "Alice" deployment with "<what>"
    And "Bob" should hold nothing

    Examples:
      | cpu | ram | disk | what |
      | 4   | 2   | 5    | CPU  |
      | 1   | 6   | 5    | RAM  |
      | 1   | 2   | 20   | disk |

  Scenario: A deployment within the offer is allocated, and given back when it completes
    Given "Bob" onboards 2 CPU, 4 GB RAM and 10 GB disk
    When "Alice" deploys a service of 2 CPU, 2 GB RAM and 5 GB disk on "Bob"
    Then "Alice" deployment is running
    And "Bob" should have allocated 2 CPU, 2 GB RAM and 5 GB disk
    When "Alice" deploys a task of 1 CPU, 1 GB RAM and 1 GB disk on "Bob"
    Then "Alice" deployment should fail
    And "Bob" should have refused "Alice" deployment with "CPU"

  @deviation-units
  Scenario: Completion frees what was held
    Given "Bob" onboards 2 CPU, 4 GB RAM and 10 GB disk
    When "Alice" deploys a task of 2 CPU, 4 GB RAM and 10 GB disk on "Bob"
    Then "Alice" deployment is completed
    And "Bob" should hold nothing
    When "Alice" deploys a task of 2 CPU, 4 GB RAM and 10 GB disk on "Bob"
    Then "Alice" deployment is completed

  Scenario: The limit of processors is enforced
    Given "Bob" onboards 2 CPU, 4 GB RAM and 10 GB disk
    When "Alice" deploys a service of 0.5 CPU, 1 GB RAM and 1 GB disk with image "example/greedy" on "Bob"
    Then "Alice" deployment is running
    And allocation "main" of "Alice" should use at most 0.5 CPU

  Scenario: The limit of memory is enforced
    Given "Bob" onboards 2 CPU, 4 GB RAM and 10 GB disk
    When "Alice" deploys a service of 0.5 CPU, 1 GB RAM and 1 GB disk with image "example/leaky" on "Bob"
    Then "Alice" deployment is running
    And allocation "main" of "Alice" should exit with code 137 within 2 minutes

  Scenario: The limit of disk space is enforced
    Given "Bob" onboards 2 CPU, 4 GB RAM and 10 GB disk
    When "Alice" deploys a task of 0.5 CPU, 1 GB RAM and 1 GB disk with image "example/writer" on "Bob"
    Then "Alice" deployment is running
    And allocation "main" of "Alice" should exit with code 1 within 2 minutes

  Scenario: Retrieve the specification of the hardware
    When "Bob" asks for its hardware
    Then the hardware should be 8 CPU, 16 GB RAM and 186.26451492309570 GB disk

  Scenario: Retrieve the usage of the hardware
    Given "Bob" onboards 2 CPU, 4 GB RAM and 10 GB disk
    When "Bob" asks for its usage
    Then nothing of the machine should be in use
    When "Alice" has 1 service Running on "Bob"
    And "Bob" asks for its usage
    Then some of the machine should be in use
