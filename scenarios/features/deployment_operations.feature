Feature: Deployment Operations
  Stakeholders: service providers
  Environment: feature or testnet
  Development: implemented

  Background:
    Given the following nodes
      | nodes | role | onboarded | org   |
      | Alice | SP   | false     | nunet |
      | Bob   | CP   | true      | nunet |

  Scenario Outline: Maintain history after restart of task
    Given "Alice" has 1 task <status> on "Bob"
    When "Alice" restarts DMS
    And "Alice" list deployments
    Then "Alice" should see the task restored

    Examples:
      | status       |
      | Completed    |
      | Running      |
      | Committing   |
      | Provisioning |

  Scenario Outline: Maintain history after restart of service
    Given "Alice" has 1 service <status> on "Bob"
    When "Alice" restarts DMS
    And "Alice" list deployments
    Then "Alice" should see the service restored

    Examples:
      | status       |
      | Running      |
      | Committing   |
      | Provisioning |

  Scenario: Prune deployment
    Given "Alice" has 1 task Completed on "Bob"
    When "Alice" prunes the deployment
    Then "Alice" should see deployment list empty

  Scenario: List deployments with pagination and status filter
    Given "Alice" has 2 tasks with status "Running" on "Bob"
    And "Alice" has 1 task with status "Completed" on "Bob"
    When "Alice" lists deployments filtered by status "Running" with limit 1 and offset 0
    Then "Alice" should see 1 deployment
    And all deployments should have status "Running"
    And the response should have total 2
    And the response should indicate true more results available
    When "Alice" lists deployments filtered by status "Running" with limit 1 and offset 1
    Then "Alice" should see 1 deployment
    And the response should have total 2
    And the response should indicate false more results available

  Scenario: Get comprehensive deployment information
    Given "Alice" has 1 service Running on "Bob"
    When "Alice" gets deployment info for the deployment
    Then "Alice" should receive deployment info with status, manifest, and allocations
    And the deployment info should contain valid allocation details

  Scenario: Get deployment information with resource usage
    Given "Alice" has 1 service Running on "Bob"
    When "Alice" gets deployment info with usage for the deployment
    Then "Alice" should receive deployment info with usage statistics
    And each allocation should have executor stats in allocation details

  Scenario: Get deployment information with log paths
    Given "Alice" has 1 service Running on "Bob"
    When "Alice" gets deployment info with logs for the deployment
    Then "Alice" should receive deployment info with log paths
    And log paths should be valid file paths
    And log files should exist at the specified paths

  Scenario: Get logs for specific allocations
    Given "Alice" has 2 allocations deployed on "Bob"
    When "Alice" gets deployment info with logs for allocation "nginx"
    Then "Alice" should receive deployment info with log paths only for "nginx"

  Scenario: Get complete deployment information
    Given "Alice" has 1 service Running on "Bob"
    When "Alice" gets complete deployment info (with usage and logs) for the deployment
    Then "Alice" should receive deployment info with status, manifest, allocations, usage, and log paths
    And all response fields should be populated correctly

  Scenario: Get deployment information for non-running deployment
    Given "Alice" has 1 task Completed on "Bob"
    When "Alice" gets deployment info for the deployment
    Then "Alice" should receive deployment info with status and manifest from store
    And allocations should be empty or contain minimal info

  Scenario: List all deployments
    Given "Alice" deploys "nginx_any_port.yaml" on "Bob" as "shop"
    And "Alice" deploys "docker_hello.yaml" on "Bob" as "greeting"
    And "shop" deployment is running
    And "greeting" deployment is completed
    When "Alice" lists deployments
    Then "Alice" should see 2 deployments
    And the page should list "shop" as running
    And the page should list "greeting" as completed
    When "Alice" lists deployments filtered by status "Running" with limit 0 and offset 0
    Then "Alice" should see 1 deployment
    And the page should list "shop" as running

  @C15
  Scenario: Restart a failed deployment
    Given "Bob" offboards
    And "Alice" deploys "nginx.yaml" on "Bob"
    And "Alice" deployment should fail
    When "Bob" onboards 2 CPU, 4 GB RAM and 10 GB disk
    And "Alice" deploys the same again
    Then "Alice" deployment is running
    And "Alice" deployment should be running on "Bob"

  Scenario: Shutdown/stop a running deployment
    Given "Alice" has 1 service Running on "Bob"
    When "Alice" shuts the deployment down
    Then "Alice" deployment is completed
    And nothing of "Alice" deployment should run
    And "Bob" should hold nothing

  Scenario: View a deployment's current status
    Given "Alice" has 1 service Running on "Bob"
    When "Alice" asks for the status of the deployment
    Then "Alice" should be told "Running"
    When "Alice" shuts the deployment down
    And "Alice" asks for the status of the deployment
    Then "Alice" should be told "Completed"

  Scenario: View deployment logs
    Given "Alice" has deployed "docker_hello.yaml" on "Bob"
    And "Alice" deployment is completed
    When "Alice" asks for the logs of allocation "alloc1"
    Then the log of allocation "alloc1" of "Alice" should contain "Hello from Docker!"

  Scenario: View deployment manifest
    Given "Alice" has 2 allocations deployed on "Bob"
    When "Alice" asks for the manifest of the deployment
    Then the manifest should be that of the ensemble
